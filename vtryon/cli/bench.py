"""`vtryon bench`: ratios of speed, each measured within one process."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from vtryon.cli.errors import add_verb

app = typer.Typer(name="bench", help="Ratios of speed, measured in one run.")

Threads = Annotated[int | None, typer.Option(min=1, help="Default: as many as torch takes.")]
Out = Annotated[Path | None, typer.Option(metavar="FILE.csv", help="Write the rows there.")]


class Width(StrEnum):
    """Widths that need no run."""

    full = "full"
    pruned = "pruned"
    tenth = "tenth"
    tenth_coarse = "tenth_coarse"


NEEDS_DEPLOY = 'install it with: pip install "vtryon[deploy]"'


def data(out: Out = None) -> int:
    """Loading samples, against the work of the released loader."""
    from vtryon.bench.data_loading import main

    return main(out=out)


def train_step(out: Out = None) -> int:
    """A step of the student's training, against the work of the released loop."""
    from vtryon.bench.train_step import main

    return main(out=out)


def sweep(
    overrides: Annotated[list[str] | None, typer.Argument(metavar="[KEY=VALUE]...", help="For all ratios.")] = None,
    out: Out = None,
) -> int:
    """A pruning ratio, once earlier ratios have left in the cache what all of them share."""
    from vtryon.bench.sweep import main

    return main(overrides or [], out)


def correlation(
    runs: Annotated[int, typer.Option(help="Of each form at each level.")] = 100,
    threads: Threads = None,
    out: Out = None,
) -> int:
    """Every form of the correlation, as in table 5."""
    _set_threads(threads)
    with _needing_deploy():
        from vtryon.bench.correlation import main

        return main(runs, out)


def model(
    run: Annotated[list[Path] | None, typer.Option(metavar="DIR", help="A finished run; repeatable.")] = None,
    width: Annotated[
        list[Width] | None,
        typer.Option(
            help="PF-AFN as released, pruned as in table 3, or a tenth of it (coarse: with four flow levels); "
            "random weights; repeatable."
        ),
    ] = None,
    way: Annotated[
        list[str] | None,
        typer.Option(
            metavar="BACKEND[:PRECISION][:bN][:sN]",
            help="openvino:int8:b4 is a batch of 4, :s2 two streams; repeatable. Default: all backends, one picture.",
        ),
    ] = None,
    rounds: Annotated[int, typer.Option(help="Timed calls of each.")] = 10,
    threads: Threads = None,
    out: Out = None,
) -> int:
    """Whole networks on all runtimes, in turn."""
    _set_threads(threads)
    try:
        with _needing_deploy():
            from vtryon.bench.model import WAYS, main

            return main(run or [], _widths(run, width), way or WAYS, rounds, out)
    except RuntimeError as error:  # a runtime's refusal of a network or of a precision
        raise ValueError(str(error)) from error


def structure(
    rounds: Annotated[int, typer.Option(help="Timed calls of each.")] = 20, threads: Threads = None, out: Out = None
) -> int:
    """The tenfold network with and without each axis of structure, in OpenVINO."""
    _set_threads(threads)
    with _needing_deploy():
        from vtryon.bench.structure import main

        return main(rounds, out)


def export(
    run: Annotated[list[Path] | None, typer.Option(metavar="DIR", help="A finished run; repeatable.")] = None,
    width: Annotated[list[Width] | None, typer.Option(help="Random weights; repeatable.")] = None,
    precision: Annotated[
        list[str] | None, typer.Option(metavar="f32|f16|int8", help="Repeatable. Default: all three.")
    ] = None,
    threads: Threads = None,
    out: Out = None,
) -> int:
    """An export in each format, from a network to a file that was checked."""
    _set_threads(threads)
    with _needing_deploy():
        from vtryon.bench.export import PRECISIONS, main

        return main(run or [], _widths(run, width), precision or PRECISIONS, out)


def demo(
    overrides: Annotated[list[str] | None, typer.Argument(metavar="[KEY=VALUE]...", help="For all runs.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="The short demo.")] = False,
    out: Out = None,
) -> int:
    """The demo from an empty folder, stage by stage."""
    from vtryon.bench.demo import main

    return main(overrides or [], quick, out)


def everything(
    only: Annotated[list[str] | None, typer.Option(metavar="BENCH", help="Repeatable. Default: all of them.")] = None,
    out: Out = None,
) -> int:
    """All of these in turn, their numbers in one CSV; an hour or two."""
    from vtryon.bench.everything import COMMANDS, main

    return main(only or list(COMMANDS), out)


@contextmanager
def _needing_deploy() -> Iterator[None]:
    """Tell which extra a benchmark lacks."""
    try:
        yield
    except ImportError as error:
        raise ImportError(f"{error}; {NEEDS_DEPLOY}") from error


def _widths(run: list[Path] | None, width: list[Width] | None) -> list[str]:
    """The widths that were asked for; where neither they nor a run were, the full one."""
    return [name.value for name in width or ([] if run else [Width.full])]


def _set_threads(threads: int | None) -> None:
    if threads is not None:
        import torch

        torch.set_num_threads(threads)


add_verb(app, data)
add_verb(app, train_step, "train-step")
for verb in (sweep, correlation, model, structure, export, demo):
    add_verb(app, verb)
add_verb(app, everything, "all")
