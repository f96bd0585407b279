"""Mistakes that a user can mend end in one line and exit code 2; any other error is a bug and keeps its traceback."""

import errno
import functools
import os
import sys
from collections.abc import Callable
from typing import Any

import typer

MENDABLE = (ValueError, OSError, ImportError)
UNWRITABLE = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EFBIG}


def add_verb(
    app: typer.Typer,
    function: Callable,
    name: str | None = None,
    mendable: tuple[type[Exception], ...] = MENDABLE,
    **settings: Any,
) -> None:
    """Register `function` as a verb of `app`; what it returns is the exit code, None is 0.

    Args:
        name: the verb; by default the function's name.
        mendable: errors whose message is enough, besides those of `is_mistake`; verbs that train have none.
        settings: for `typer.Typer.command`.
    """
    name = name or function.__name__
    app.command(name, **settings)(_with_exit_code(function, f"{_command(app)} {name}", mendable))


def _command(app: typer.Typer) -> str:
    return "vtryon" if app.info.name == "vtryon" else f"vtryon {app.info.name}"


def _with_exit_code(function: Callable, title: str, mendable: tuple[type[Exception], ...]) -> Callable:
    @functools.wraps(function)  # typer reads the signature through it
    def verb(*args, **kwargs):
        try:
            code = function(*args, **kwargs)
        except typer.Exit:
            raise
        except Exception as error:
            mistake = error if isinstance(error, mendable) else mistake_below(error)
            if mistake is None or os.environ.get("HYDRA_FULL_ERROR"):
                raise
            print(f"{title}: {mistake}", file=sys.stderr)
            raise typer.Exit(2) from error
        raise typer.Exit(code or 0)

    return verb


def mistake_below(error: BaseException | None) -> Exception | None:
    """The first error in the chain of causes of `error` that a user can mend; None where there is none."""
    while error is not None and not is_mistake(error):
        error = error.__cause__ or error.__context__
    return error


def is_mistake(error: BaseException) -> bool:
    """Whether the message of `error` itself says what the user should change."""
    from vtryon.config.compose import ConfigError
    from vtryon.data.files.reader import DataError
    from vtryon.models.features.pretrained import WeightsNotFoundError
    from vtryon.models.weight_files import CheckpointError

    named = ConfigError | DataError | CheckpointError | WeightsNotFoundError | FloatingPointError
    return isinstance(error, named) or (isinstance(error, OSError) and error.errno in UNWRITABLE)
