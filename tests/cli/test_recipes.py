"""What the header of a recipe says of its rows is what experiments/*/measured*.csv hold."""

import claims
import pandas as pd
import pytest

from vtryon.cli.recipes import headers
from vtryon.config.compose import conf_dir

RECIPES = {recipe.name: recipe for recipe in headers(conf_dir() / "experiment")}
TOLD = [name for name, recipe in RECIPES.items() if recipe.rows]


@pytest.mark.nightly
@pytest.mark.parametrize("name", TOLD)
def test_committed_rows_are_as_the_header_says(name):
    files = claims.committed()
    told = claims.read_claims(RECIPES[name].rows)
    assert told, "a claim begins with the profile of its rows, such as `demo: `"
    found = [
        f"{claim}: {line}"
        for profile, claimed in told
        for claim in claimed
        for line in claims.broken(name, profile, claim, files)
    ]
    assert not found, "\n".join(found)


@pytest.mark.nightly
def test_every_recipe_with_rows_says_what_they_hold():
    names = {name for frame in claims.committed().values() for name in frame.name}
    assert {*TOLD} == names & RECIPES.keys()


def rows(**columns) -> dict[str, pd.DataFrame]:
    count = len(next(iter(columns.values())))
    fixed = {"name": ["a"] * count, "stage": "s", "profile": "demo", "threads": 1}
    return {"x.csv": pd.DataFrame({**fixed, **columns})}


@pytest.mark.parametrize(
    ("claim", "holds"),
    [
        ("MSE 1 to 4", True),
        ("MSE 1 to 3", False),
        ("MSE 0 to 4.1", False),  # the bound of 0 is far from any row
        ("MSE 1 to 8", False),  # ... and so is that of 8
        ("MSE 1", False),
        ("MSE falls with ratio", True),
        ("MSE grows with ratio", False),
        ("MSE least for ratio=0.5", True),
        ("MSE most for ratio=0.5", False),
        ("MSE is low", False),
        ("SSIM of sorts 1 to 4", False),
    ],
)
def test_a_claim_that_rows_contradict_is_seen(claim, holds):
    files = rows(ratio=[0.2, 0.5], **{"scores.paired/mse": [4.0, 1.0]})
    found = list(claims.broken("a", "demo", claim, files)) if claim[:3] == "MSE" else ["no such column"]
    assert (found == []) == holds
