"""What differs between two configs, key by key, as a person would want to read it."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

# where a run lies, and who watches it, does not change what it computes
PLACES = (
    *("paths", "parents", "lessons", "logger", "tags", "notes", "name", "sweep", "varied", "chain", "ckpt_path"),
    *("print_config", "ladder_held"),
)
MOST = 12  # lines of a message


def changes(previous: Mapping[str, Any], current: Mapping[str, Any], without: Iterable[str] = ()) -> list[str]:
    """One line a key whose value differs; top-level keys `without` are not compared.

    A key that is null is as good as absent, and a class is the same wherever its module has moved: a run that was begun
    with an earlier version of the code goes on.

    Example:
        >>> changes({"seed": 0, "data": {"size": 4}}, {"seed": 1, "data": {"size": 4, "root": "a"}})
        ['data.root: - → a', 'seed: 0 → 1']
        >>> changes({"model": {"_target_": "old.home.AFWM"}}, {"model": {"_target_": "new.AFWM", "path": None}})
        []
    """
    skipped = set(without)
    previous_values = dict(_flat({key: value for key, value in previous.items() if key not in skipped}))
    current_values = dict(_flat({key: value for key, value in current.items() if key not in skipped}))
    keys = previous_values.keys() | current_values.keys()
    changed_keys = sorted(key for key in keys if previous_values.get(key) != current_values.get(key))
    return [f"{key}: {previous_values.get(key, '-')} → {current_values.get(key, '-')}" for key in changed_keys]


def listed(lines: list[str]) -> str:
    """The lines indented under each other, the first dozen of them."""
    rest = [f"and {len(lines) - MOST} more"] if len(lines) > MOST else []
    return "".join(f"\n  {line}" for line in [*lines[:MOST], *rest])


def _flat(node: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in node.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{prefix}{key}.")
        elif key == "_target_":
            yield f"{prefix}{key}", str(value).rpartition(".")[2]
        elif value is not None:
            yield f"{prefix}{key}", value
