"""Places in a user's home: `~` in paths, and the folder of what is kept."""

import os
from pathlib import Path


def with_home(path: str | os.PathLike) -> Path:
    """The path with `~` or `~user` written out; where nobody knows that user, or the system names no home, as it is.

    `Path.expanduser` raises there, as in a container under a number without a name.

    Example:
        >>> with_home("~nobody_of_this_name/data")
        PosixPath('~nobody_of_this_name/data')
    """
    return Path(os.path.expanduser(path))  # noqa: PTH111


def cache_folder() -> Path:
    """The folder of what is fetched or computed once and kept: $VTRYON_CACHE, or ~/.cache/vtryon."""
    return with_home(os.environ.get("VTRYON_CACHE") or "~/.cache/vtryon")
