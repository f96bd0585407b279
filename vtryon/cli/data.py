"""`vtryon data`: check a data folder, mend one, unpack one, or draw one."""

from pathlib import Path
from typing import Annotated

import typer

from vtryon.cli.errors import add_verb

LAYOUT_HELP = "Such as viton_hd; auto tells it from the folders. docs/guides/data.md lists them."
app = typer.Typer(name="data", help="Check, mend, unpack or draw a data folder.")


def check(
    root: Path,
    everything: Annotated[bool, typer.Option("--all", help="Every problem, not three examples of each kind.")] = False,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write every problem to a file.")] = None,
    layout: Annotated[str, typer.Option(help=LAYOUT_HELP)] = "auto",
) -> int:
    """List every problem of a data folder; exit code 1 if there are any."""
    from vtryon.data.checking.verify import main

    return main(root, everything, out, layout)


def fix(
    root: Path,
    out: Annotated[Path, typer.Option(metavar="DIR", help="The new folder.")],
    layout: Annotated[str, typer.Option(help=LAYOUT_HELP)] = "auto",
) -> int:
    """Write a new data folder in which is mended what can be; the old one stays."""
    from vtryon.data.checking.fix import main

    return main(root, out, layout)


def unpack(archive: Path, folder: Path) -> int:
    """Unpack a zip or tar archive into a new folder, all of it or nothing."""
    from vtryon.data.files.archive import main

    return main(archive, folder)


def synth(
    root: Path,
    train: Annotated[int, typer.Option(help="Training samples.")] = 512,
    test: Annotated[int, typer.Option(help="Test persons.")] = 64,
    seed: int = 0,
    workers: Annotated[int, typer.Option(help="Processes; the files are the same.")] = 1,
    size: Annotated[tuple[int, int], typer.Option(metavar="H W", help="Pixels.")] = (256, 192),
    layout: Annotated[str, typer.Option(help="pf_afn, with true flow, or another, as viton_hd.")] = "pf_afn",
    densepose: Annotated[bool, typer.Option(help="Write body parts too; pf_afn always has them.")] = True,
) -> None:
    """Write a procedural data folder, in PF-AFN's layout with true flow."""
    from vtryon.data.synthetic.embedded import draw, draw_in_layout

    if layout == "pf_afn":
        draw(root, train, test, seed, size, workers)
    else:
        draw_in_layout(root, train, test, seed, size, workers, layout, densepose)


for verb in (check, fix, unpack, synth):
    add_verb(app, verb)
