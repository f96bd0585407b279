"""What differs between two configs, key by key, as a person would want to read it."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

# where a run lies, and who watches it, does not change what it computes
PLACES = ("paths", "parents", "lessons", "logger", "tags", "name", "sweep")
MOST = 12  # lines of a message


def changes(old: Mapping[str, Any], new: Mapping[str, Any], without: Iterable[str] = ()) -> list[str]:
    """One line a key whose value differs; top-level keys `without` are not compared.

    Example:
        >>> changes({"seed": 0, "data": {"size": 4}}, {"seed": 1, "data": {"size": 4, "root": "a"}})
        ['data.root: - → a', 'seed: 0 → 1']
    """
    skipped = set(without)
    before, after = (dict(_flat({k: v for k, v in config.items() if k not in skipped})) for config in (old, new))
    keys = sorted(key for key in before.keys() | after.keys() if before.get(key) != after.get(key))
    return [f"{key}: {before.get(key, '-')} → {after.get(key, '-')}" for key in keys]


def listed(lines: list[str]) -> str:
    """The lines indented under each other, the first dozen of them."""
    more = [f"and {len(lines) - MOST} more"] if len(lines) > MOST else []
    return "".join(f"\n  {line}" for line in [*lines[:MOST], *more])


def _flat(node: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in node.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
