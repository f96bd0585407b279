"""Every recipe runs from its first step to its row; several workers share them, one recipe at a time."""

import pytest
from smoke_runs import SMOKE, rows, vtryon

from vtryon.config.compose import conf_dir
from vtryon.runs.pipeline import chain_of

# run by the demo in `chain`, or by a test of its own
ELSEWHERE = {*chain_of(["profile=demo"])[0], "official", "budget", "slimmable", "pick", "width_front"}
RECIPES = sorted({path.stem for path in (conf_dir() / "experiment").glob("*.yaml")} - ELSEWHERE)
pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.xdist_group(f"recipe {name}")) for name in RECIPES]
)
def test_a_recipe_runs_from_another_folder(chain, here, name):
    done = vtryon("run", f"experiment={name}", f"paths.chain={chain}", *SMOKE)
    assert done.returncode == 0, done.stderr
    (row,) = rows(here / "runs")
    assert row["name"] == name
    assert f"{row['name']}" in done.stdout
