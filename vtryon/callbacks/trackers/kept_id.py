"""RUN/trackers.json: under which id each tracker knows a run, so that one that goes on after a stop keeps it."""

import json
from pathlib import Path

from vtryon.utils.atomic import atomic_write

FILE = "trackers.json"


def kept_id(folder: str | Path, tracker: str) -> str | None:
    """The id that an earlier attempt at the run of this folder has had; None before the first."""
    return _read(Path(folder) / FILE).get(tracker)


def keep_id(folder: str | Path, tracker: str, value: str) -> str:
    """Note an id for later attempts, and return it."""
    path = Path(folder) / FILE
    ids = _read(path)
    if ids.get(tracker) != value:
        with atomic_write(path) as temporary:
            temporary.write_text(json.dumps(ids | {tracker: value}))
    return value


def _read(path: Path) -> dict[str, str]:
    try:
        return json.loads(path.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
