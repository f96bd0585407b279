"""Print problems so that a person can act: how many of each kind, a few examples, and the command that mends them."""

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from vtryon.data.checking.inspection import Problem

EXAMPLES = 3  # of each kind


class Kind(NamedTuple):
    """What can be done about one kind of problem."""

    mended: bool  # `vtryon data fix` mends it, if the file's partners allow it
    harmless: bool = False  # it is read rightly as it is: a note, no problem


KINDS: dict[str, Kind] = {  # of all others nothing is known but that a person must look
    "unusual mask": Kind(mended=True, harmless=True),
    "colour profile": Kind(mended=True, harmless=True),
    "marked as turned": Kind(mended=True, harmless=True),
    "same picture": Kind(mended=True, harmless=True),
    "known from training": Kind(mended=False, harmless=True),
    "list not read": Kind(mended=False, harmless=True),
    "no masks": Kind(mended=True, harmless=True),
    "no parse maps": Kind(mended=False, harmless=True),
    "no poses": Kind(mended=False, harmless=True),
    "no body parts": Kind(mended=False, harmless=True),
    "holes in mask": Kind(mended=True),
    "torn mask": Kind(mended=True),
    "full mask": Kind(mended=True),
    "empty mask": Kind(mended=True),
    "doubtful mask": Kind(mended=True),
    "no mask": Kind(mended=True),
    "missing mask": Kind(mended=True),
    "palette": Kind(mended=True),
    "transparency": Kind(mended=True),
    "CMYK": Kind(mended=True),
    "unread format": Kind(mended=True),
    "two files of one id": Kind(mended=True),
    "pair without file": Kind(mended=True),
    "pair twice": Kind(mended=True),
}
UNKNOWN = Kind(mended=False)


def serious(problems: Iterable[Problem]) -> list[Problem]:
    """Those that are no mere notes."""
    return [problem for problem in problems if not KINDS.get(problem.kind, UNKNOWN).harmless]


def report(
    problems: Iterable[Problem], root: str = "DIR", examples: int | None = EXAMPLES, mendable: bool = True
) -> str:
    """The problems under a heading for each kind, the most frequent first, notes last; `examples=None` lists all.

    `mendable` is False of a folder that `vtryon data fix` has written, which holds what it could not mend.
    """
    kinds = defaultdict(list)
    for problem in problems:
        kinds[problem.kind].append(problem)
    if not kinds:
        return "No problem found."
    lines = []
    for kind, members in sorted(kinds.items(), key=lambda item: (_kind(item[0]).harmless, -len(item[1]))):
        lines += [_heading(kind, len(members), mendable), *_examples(members, examples), ""]
    return "\n".join(lines + _ending(kinds, root, examples, mendable))


def _kind(name: str) -> Kind:
    return KINDS.get(name, UNKNOWN)


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" + "s" * (count != 1)


def _heading(name: str, count: int, mendable: bool) -> str:
    remarks = ["note"] * _kind(name).harmless + ["data fix tries to mend it"] * (_kind(name).mended and mendable)
    return f"{name} ({count})" + (f" [{', '.join(remarks)}]" if remarks else "")


def _examples(members: list[Problem], examples: int | None) -> list[str]:
    lines = [f"  {problem.path}: {problem.detail}" for problem in sorted(members)]
    if examples is None or len(lines) <= examples:
        return lines
    return [*lines[:examples], f"  ... and {len(lines) - examples} more"]


def _ending(kinds: dict[str, list[Problem]], root: str, examples: int | None, mendable: bool) -> list[str]:
    """Counts, and what to type next."""
    notes = sum(len(members) for name, members in kinds.items() if _kind(name).harmless)
    total = sum(map(len, kinds.values())) - notes
    mended = sum(len(members) for name, members in kinds.items() if _kind(name).mended)
    of_kinds = _counted(sum(not _kind(name).harmless for name in kinds), "kind")
    lines = [f"{_counted(total, 'problem')} of {of_kinds}, {_counted(notes, 'note')}"]
    if mended and mendable:
        lines.append(f"`vtryon data fix {root} --out DIR2` writes a folder in which up to {mended} of them are mended")
    if examples is not None and any(len(members) > examples for members in kinds.values()):
        lines.append(f"`vtryon data check {root} --all` lists every one, with --out FILE into a file")
    return lines
