"""`vtryon recipes` and `vtryon weights`: the experiments and the networks that come with the project."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

if TYPE_CHECKING:
    from rich.table import Table

FIELD = re.compile(r"#   (run|takes|expected|rows)\s+(.*)")


class Recipe(NamedTuple):
    """The header of a recipe."""

    name: str
    purpose: str
    command: str
    cost: str
    expected: str
    rows: str  # what committed rows hold; the tests hold it against them


def recipes(
    words: Annotated[list[str] | None, typer.Argument(help="Only recipes whose header has all of them.")] = None,
    config_dir: Annotated[Path | None, typer.Option(help="Also the recipes of this folder.")] = None,
) -> int:
    """List recipes, or those with a word.

    Name, purpose, command and cost of each in conf/experiment; exit code 1 where none has the words.
    """
    from rich.console import Console

    from vtryon.config.compose import conf_dir

    shown = []
    for folder in (conf_dir(), *([config_dir] if config_dir else [])):
        shown += [recipe for recipe in headers(folder / "experiment") if _matches(recipe, words or [])]
    if not shown:
        print(f"no recipe has {' and '.join(words or ['a header'])}; vtryon recipes lists all of them")
        return 1
    Console().print(_table(shown))
    return 0


def headers(folder: Path) -> Iterator[Recipe]:
    """The headers of all recipes in a folder, by name."""
    for file in sorted(folder.glob("*.yaml")):
        yield _header(file.stem, file.read_text(encoding="utf-8"))


def _header(name: str, text: str) -> Recipe:
    """A purpose of one or more lines, then the fields, each of which may go on in lines that are further indented."""
    purpose: list[str] = []
    fields: dict[str, str] = {"run": f"vtryon run experiment={name}", "takes": "", "expected": "", "rows": ""}
    current = None
    for line in text.splitlines():
        if line.startswith("# @package"):
            continue
        if not line.startswith("#"):
            break
        if match := FIELD.match(line):
            current = match[1]
            fields[current] = match[2].strip()
        elif current is None:
            purpose.append(line.lstrip("# "))
        elif current != "run":  # further commands are variants
            fields[current] += f" {line.lstrip('# ')}"
    return Recipe(name, " ".join(purpose), fields["run"], fields["takes"], fields["expected"], fields["rows"])


def _matches(recipe: Recipe, search_words: list[str]) -> bool:
    text = " ".join(recipe).lower()
    return all(search_word.lower() in text for search_word in search_words)


def _table(shown: list[Recipe]) -> "Table":
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    table.add_column("recipe", no_wrap=True, style="bold")
    table.add_column("purpose, and how it is run")
    table.add_column("takes", max_width=30)
    for recipe in shown:
        table.add_row(recipe.name, f"{recipe.purpose}\n[dim]{recipe.command}[/]", recipe.cost)
    return table


def weights(
    publish: Annotated[
        Path | None, typer.Option(metavar="RUN", help="Add the network of this finished run, in float16.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="With --publish: what the weights are called.")] = None,
    learnt_from: Annotated[str | None, typer.Option(help="With --publish: the data, for people.")] = None,
    default: Annotated[bool, typer.Option("--default", help="With --publish: what `vtryon tryon` takes.")] = False,
    folder: Annotated[Path | None, typer.Option(help="Another folder than experiments/weights.")] = None,
) -> None:
    """List the weights that come with the project, with their scores."""
    from vtryon.deploy.weights import FOLDER, available, table
    from vtryon.runs.publish import publish as publish_run

    if publish is not None:
        if not name or not learnt_from:
            raise ValueError("--publish lacks --name or --learnt-from; the card of the weights needs both")
        publish_run(publish, name, learnt_from, default, folder or FOLDER)
    listed = available(folder or FOLDER)
    print(table(listed) if listed else f"{folder or FOLDER} holds no weights; a wheel has none, a checkout has")
