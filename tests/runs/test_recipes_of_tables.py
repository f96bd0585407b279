"""The recipes of tables run from their first step to their row, from another folder."""

import pytest
from smoke_runs import recipes, run_recipe

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", [name for name in recipes() if name[0] == "t" and name[1].isdigit()])
def test_a_recipe_runs_from_another_folder(chain, here, name):
    run_recipe(name, chain, here)
