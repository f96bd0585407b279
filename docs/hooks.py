"""mkdocs hooks: pages from outside docs/ (notebooks, pictures), the reference of config keys, tables of speed."""

import csv
import re
import sys
from pathlib import Path

from mkdocs.plugins import event_priority
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]
OUTSIDE = ("notebooks/*.ipynb", "experiments/demo/try_on.png", "experiments/synthetic/contact_sheet.jpg")
CONFIG_KEYS, SPEEDS = "<!-- config keys -->", "<!-- speeds -->"
MEASURED = ("speed/measured_*.csv", "structure/measured_openvino*.csv", "t5_img2col/measured.csv")  # by `vtryon bench`
CIRCUMSTANCES = ("commit", "cpu", "cores", "threads", "date")  # of a measurement, told once
UNTOLD = ("dirty", "weights", "resolution", "p90_ms", "fps", "repeats", "load", "load_before", "load_after", "max_off")
UNTOLD += ("convolutions", "pairs", "runs", "processor_s", "limit_gflops", "limit_gbs", "limit_ms", "chosen")
LINE = re.compile(r"(?P<indent> *)(?P<key>[\w./]+):(?: (?P<value>[^#].*?))?(?: +# (?P<note>.*))?$")


@event_priority(100)  # before mkdocs-jupyter, which looks for notebooks among the files
def on_files(files: Files, config) -> Files:
    """Add the notebooks and pictures that are kept beside the code they belong to."""
    for pattern in OUTSIDE:
        for path in sorted(ROOT.glob(pattern)):
            name = path.relative_to(ROOT).as_posix()
            files.append(File(name, str(ROOT), config.site_dir, config.use_directory_urls))
    return files


def on_page_markdown(markdown: str, page, config, files) -> str:
    """Replace a mark on a page by the tables that it stands for."""
    if CONFIG_KEYS in markdown:
        return markdown.replace(CONFIG_KEYS, config_reference(ROOT / "conf"))
    return markdown.replace(SPEEDS, speeds(ROOT / "experiments")) if SPEEDS in markdown else markdown


def speeds(experiments: Path) -> str:
    """Markdown of all measurements of `vtryon bench` that are kept: a section a file."""
    files = [file for pattern in MEASURED for file in sorted(experiments.glob(pattern))]
    return "\n\n".join(_measurement(file, file.relative_to(experiments).as_posix()) for file in files)


def _measurement(file: Path, name: str) -> str:
    with file.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    told = [column for column in rows[0] if column not in (*CIRCUMSTANCES, *UNTOLD)]
    where = ", ".join(f"{column} {rows[0][column]}" for column in CIRCUMSTANCES if rows[0].get(column))
    table = ["| " + " | ".join(told) + " |", "|---" * len(told) + "|"]
    table += ["| " + " | ".join(_short(row[column]) for column in told) + " |" for row in rows]
    return f"## `{name}`\n\n{where}\n\n" + "\n".join(table)


def _short(cell: str) -> str:
    """A number to four digits, or to its last before the point; any other text as it is."""
    try:
        number = float(cell)
    except ValueError:
        return cell
    return cell if len(cell) < 6 else f"{number:.4g}" if abs(number) < 1000 else f"{number:.0f}"


def config_reference(conf: Path) -> str:
    """Markdown of all config files but recipes: a section a file, its opening comment, a table of its keys."""
    groups = re.findall(r"- (?:override )?([\w/]+): \S+", (conf / "config.yaml").read_text())
    files = [conf / "config.yaml"]
    for group in groups:
        if group != "experiment":
            files += sorted((conf / group).glob("*.yaml"))
    return "\n\n".join(_section(file, file.relative_to(conf).as_posix()) for file in files)


def _section(file: Path, name: str) -> str:
    lines = file.read_text().splitlines()
    opening = []
    for line in lines:
        if not line.startswith("#"):
            break
        if "@package" not in line:
            opening.append(line.removeprefix("#").strip())
    top_level = "# @package _global_" in lines or "/" not in name
    rows = config_keys(lines, "" if top_level else f"{name.split('/')[0]}.")
    allowed = _allowed()
    table = ["| key | value | note | allowed |", "|---|---|---|---|"]
    for key, value, note in rows:
        cells = (f"`{key}`", f"`{value}`" if value else "", note, allowed.get(key, ""))
        table.append("| " + " | ".join(cells).replace("|", "\\|").replace(" \\| ", " | ") + " |")
    return f"## `{name}`\n\n" + " ".join(opening) + ("\n\n" + "\n".join(table) if rows else "")


def config_keys(lines: list[str], prefix: str) -> list[tuple[str, str, str]]:
    """(dotted key, value, comment) of the keys in a YAML file's lines, without its list of defaults."""
    keys, parents = [], []
    for line in lines:
        match = LINE.match(line)
        if not match:
            continue
        depth = len(match["indent"]) // 2
        parents = [*parents[:depth], match["key"]]
        if parents[0] != "defaults" and (match["value"] or match["note"]):
            keys.append((prefix + ".".join(parents), match["value"] or "", match["note"] or ""))
    return keys


def _allowed() -> dict[str, str]:
    """What the config check allows, by key."""
    sys.path.insert(0, str(ROOT))
    from vtryon.config.rules import RULES

    return {key: rule.allowed for key, rule in RULES.items()}
