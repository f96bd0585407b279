"""Electric power while something computes: Intel's and AMD's RAPL counters on Linux."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

RAPL = Path("/sys/class/powercap")


class Power:
    """Filled when the block ends: mean watts, or None where the machine has no counters that may be read."""

    watts: float | None = None
    source = "no readable RAPL counter"


@contextmanager
def rapl(root: Path = RAPL) -> Iterator[Power]:
    """Watts of all processor packages over the block, by their energy counters.

    Packages only: their parts (intel-rapl:0:1) are counted in them, and `psys` would count them again. The rest of the
    machine (board, disk, screen) is not in it. Counters are often for root alone.
    """
    power, zones = Power(), _packages(root)
    before, start = [_microjoules(zone) for zone in zones], time.perf_counter()
    yield power
    seconds = time.perf_counter() - start
    after = [_microjoules(zone) for zone in zones]
    if zones and None not in (*before, *after):
        spent = sum(_difference(*pair) for pair in zip(zones, before, after, strict=True))
        power.watts, power.source = spent / 1e6 / seconds, f"RAPL, {len(zones)} package(s)"


def _packages(root: Path) -> list[Path]:
    zones = sorted(root.glob("intel-rapl:*"))  # AMD's counters have this name as well
    return [zone for zone in zones if (_read(zone / "name") or "").startswith("package")]


def _difference(zone: Path, before: int, after: int) -> int:
    """Counters start again at zero after their range."""
    return after - before if after >= before else after - before + int(_read(zone / "max_energy_range_uj") or 0)


def _microjoules(zone: Path) -> int | None:
    text = _read(zone / "energy_uj")
    return None if text is None else int(text)


def _read(path: Path) -> str | None:
    try:
        return path.read_text().strip()
    except OSError:
        return None
