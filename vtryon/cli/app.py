"""The command `vtryon`: all verbs, each declared in a file of its own that imports its code when it is called."""

import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from vtryon import __version__
from vtryon.cli import (
    bench,
    completion,
    data,
    export,
    gradio_app,
    recipes,
    report,
    reproduce,
    run,
    train,
    tryon,
    verify,
)
from vtryon.cli.errors import add_verb
from vtryon.utils.home import with_home

PLAIN = {"no_args_is_help": True, "rich_markup_mode": None, "add_completion": False}  # rich would double the time
FOLDERS = ("VTRYON_RUNS", "VTRYON_CACHE", "VTRYON_WEIGHTS")

app = typer.Typer(name="vtryon", pretty_exceptions_enable=False, **PLAIN)


def _print_version(requested: bool) -> bool:
    if requested:
        print(f"vtryon {__version__}")
        raise typer.Exit
    return requested


@app.callback(context_settings={"help_option_names": ["--help", "-h"]})
def vtryon(
    version: Annotated[bool, typer.Option("--version", callback=_print_version, is_eager=True)] = False,
) -> None:
    """Train, compress, measure and deploy PF-AFN virtual try-on.

    `vtryon demo` is the shortest way to a table, `vtryon recipes` lists all experiments, `vtryon run --help` tells how
    one of them is run. `vtryon completion bash` prints what makes the Tab key work.
    """


for verb in (train.demo, train.train):
    add_verb(app, verb, mendable=())
add_verb(app, run.run, mendable=(), context_settings=run.PASSED_TO_HYDRA)
for verb in (
    recipes.recipes,
    tryon.tryon,
    gradio_app.app,
    report.report,
    reproduce.reproduce,
    verify.verify,
    export.export,
    report.energy,
    recipes.weights,
):
    add_verb(app, verb)
app.add_typer(data.app, no_args_is_help=True)
app.add_typer(bench.app, no_args_is_help=True)
add_verb(app, completion.completion)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line `argv` (sys.argv's by default); returns the exit code."""
    _expand_home()
    if completion.VARIABLE in os.environ:
        completion.prepare()
    try:
        app(args=list(sys.argv[1:] if argv is None else argv), prog_name="vtryon")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


def _expand_home() -> None:
    """Give libraries a home where there is none to write to, and read `~` in the variables that name our folders."""
    if os.name == "posix" and not _is_writable(Path(os.environ.get("HOME") or "/nowhere")):
        os.environ.pop("HOME", None)
        home = with_home("~")  # the one of the system's list of users
        os.environ["HOME"] = str(home if _is_writable(home) else _temporary_home())
    for name in FOLDERS:
        if name in os.environ:
            os.environ[name] = str(with_home(os.environ[name]))


def _temporary_home() -> Path:
    """What libraries write lies here, and not among the files of the working folder."""
    folder = Path(tempfile.gettempdir()) / f"vtryon-home-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def _is_writable(folder: Path) -> bool:
    return folder.is_dir() and os.access(folder, os.W_OK)
