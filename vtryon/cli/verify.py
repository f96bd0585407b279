"""`vtryon verify`: whether a run's row can be made again from its config, weights and data."""

from pathlib import Path
from typing import Annotated

import typer


def verify(
    run: Annotated[Path, typer.Argument(help="Folder of a finished run.")],
    tolerance: Annotated[float, typer.Option(help="Of scores, relative; costs have to be equal.")] = 1e-3,
) -> int:
    """Make a run's row again.

    From its config, weights and data, on this machine; what differs is named. Exit code 1 where anything does.
    """
    from vtryon.runs.verify import verify as verify_run

    verdict = verify_run(run, tolerance)
    for line in verdict.differences:
        print(line)
    print(f"{run}: {verdict.agreeing} values agree, {len(verdict.differences)} differ")
    print(f"not made again: {', '.join(verdict.unchecked)}")
    return int(bool(verdict.differences))
