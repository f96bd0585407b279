"""What the documents say is so: links lead somewhere, commands exist, recipes compose, the site builds."""

import csv
import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

from vtryon.config.compose import composed, conf_dir
from vtryon.config.rules import RULES

ROOT = Path(__file__).parents[1]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])
COMMAND = re.compile(r"\bvtryon ([a-z]+)((?: [^`\n#;&|]*)?)")
pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def commands(page: Path) -> list[tuple[str, str]]:
    """(verb, rest of the line) of every command in a code block or between backticks."""
    text = page.read_text()
    code = re.findall(r"```.*?```|`[^`\n]+`", text, flags=re.DOTALL)
    return [match.groups() for piece in code for match in COMMAND.finditer(piece)]


def test_the_readme_is_a_page():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 130


@pages
def test_a_relative_link_leads_to_a_file(page):
    for target in re.findall(r"\]\(([^)#\s]+)", page.read_text()):
        if "://" not in target:
            beside_docs = ROOT / target.removeprefix("../").removeprefix("../")  # the site adds those of docs/hooks.py
            assert (page.parent / target).exists() or beside_docs.exists(), target


@pages
def test_a_command_names_a_verb_that_there_is(page):
    app = pytest.importorskip("vtryon.cli.app").app
    names = {command.name or command.callback.__name__ for command in app.registered_commands}
    names |= {group.name or group.typer_instance.info.name for group in app.registered_groups}
    assert {verb for verb, _ in commands(page)} <= names


@pages
def test_a_recipe_that_is_named_is_there(page):
    recipes = {path.stem for path in (conf_dir() / "experiment").glob("*.yaml")} | {"mine", "RECIPE"}
    assert {name for _, rest in commands(page) for name in re.findall(r"experiment=(\w+)", rest)} <= recipes


def test_the_researcher_s_recipe_composes(tmp_path):
    page = (ROOT / "docs" / "tutorials" / "researcher.md").read_text()
    (tmp_path / "experiment").mkdir()
    (tmp_path / "experiment" / "mine.yaml").write_text(re.search(r"```yaml\n(.*?)```", page, flags=re.DOTALL)[1])
    cfg = composed(["experiment=mine"], str(tmp_path))
    assert (cfg.name, cfg.model.generator.ngf, cfg.training.loss.feature) == ("mine", 12, 0.02)


@pytest.fixture(scope="module")
def hooks():
    pytest.importorskip("mkdocs")
    spec = importlib.util.spec_from_file_location("docs_hooks", ROOT / "docs" / "hooks.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_reference_of_config_keys_holds_every_file_and_its_keys(hooks):
    reference = hooks.config_reference(conf_dir())
    for file in conf_dir().rglob("*.yaml"):
        if file.parent.name != "experiment":
            assert f"## `{file.relative_to(conf_dir()).as_posix()}`" in reference
    for key in ("seed", "data.root.train", "model.generator.ngf", "compression.ratio", "trainer.max_epochs"):
        assert f"| `{key}` |" in reference
        assert RULES[key].allowed.split("|")[0] in reference


def test_a_key_is_listed_with_its_value_and_comment(hooks):
    lines = ["defaults:", "  - prune", "a: # of both", "  b: 0.5 # a share", "  c: [1, 2]", "d:", "  e: null"]
    assert hooks.config_keys(lines, "x.") == [
        ("x.a", "", "of both"),
        ("x.a.b", "0.5", "a share"),
        ("x.a.c", "[1, 2]", ""),
        ("x.d.e", "null", ""),
    ]


def test_measured_speeds_are_drawn_from_the_rows_that_are_kept(hooks):
    page = hooks.speeds(ROOT / "experiments")
    for file in (ROOT / "experiments" / "speed").glob("measured_*.csv"):
        rows = list(csv.DictReader(file.read_text(encoding="utf-8").splitlines()))
        section = page.partition(f"## `speed/{file.name}`")[2].partition("\n## ")[0]
        assert rows[0]["cpu"] in section
        assert rows[0]["commit"] in section
        assert section.count("\n| ") == 1 + len(rows)
        for row in rows:
            assert f"| {row.get('way') or row['to']} |" in section


@pytest.mark.slow
def test_the_site_is_built_without_a_warning(tmp_path):
    pytest.importorskip("mkdocs")
    build = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", tmp_path / "site"]
    done = subprocess.run(build, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "vtryon.models.afwm.AFWM" in (tmp_path / "site" / "reference" / "api" / "index.html").read_text()
    assert (tmp_path / "site" / "notebooks" / "try_on_one_pair" / "index.html").stat().st_size > 20_000
