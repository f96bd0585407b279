"""mkdocs hooks: pages from outside docs/ (notebooks, pictures of experiments) and the reference of config keys."""

import re
import sys
from pathlib import Path

from mkdocs.plugins import event_priority
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]
OUTSIDE = ("notebooks/*.ipynb", "experiments/demo/try_on.png", "experiments/synthetic/contact_sheet.jpg")
MARK = "<!-- config keys -->"
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
    """Replace the mark on a page by the tables of config keys."""
    return markdown.replace(MARK, config_reference(ROOT / "conf")) if MARK in markdown else markdown


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
