"""Every committed count of parameters, GMACs and MiB is derived anew from the network that its recipe builds."""

import csv
from functools import cache
from pathlib import Path

import pytest
from hydra.utils import instantiate

from vtryon.compression.pruning import Pruning
from vtryon.config.compose import composed, conf_dir
from vtryon.metrics.cost import cost

EXPERIMENTS = Path(__file__).parents[2] / "experiments"
RECIPES = {path.stem for path in (conf_dir() / "experiment").glob("*.yaml")}
NOT_COUNTED = {"t4_qat", "t4_ptq", "t4_sizes", "qat", "pareto"}  # bytes of parts that only a converted network has
PICKED = {"pick"}  # widths that a search has found
MEASURED = {"budget", "budget_taylor"}  # widths that follow from trained weights and pictures; budget_uniform's do not
UNPRUNED = {"from_supernet"}  # a network of the model's own widths
STRUCTURE = ("model.warp.flow_levels", "model.warp.shared", "model.warp.separable")
PRUNING = ("ratio", "scope", "round_to", "ratios", "global_pruning", "max_ratio")


def committed() -> list:
    """Every committed row with a cost; the last of each file is derived in the slow tier, the others in the nightly."""
    found = []
    for file in sorted(EXPERIMENTS.glob("*/measured*.csv")):
        with file.open(newline="") as opened:
            rows = list(enumerate(csv.DictReader(opened), 2))
        counted = [
            (n, row) for n, row in rows if row.get("cost.params_m") and row["name"] in RECIPES - NOT_COUNTED - PICKED
        ]
        counted = [(n, row) for n, row in counted if row.get("compression") not in MEASURED]
        for place, (number, row) in enumerate(counted, 1):
            mark = pytest.mark.slow if place == len(counted) else pytest.mark.nightly
            found.append(pytest.param(row, id=f"{file.parent.name}/{file.stem}:{number}", marks=mark))
    return found


@pytest.mark.parametrize("row", committed())
def test_a_committed_size_is_that_of_the_network_its_recipe_builds(row):
    check(row)


def check(row: dict) -> None:
    expected = derived(row["name"], row["profile"], *asked(row))
    for key, number in expected.items():
        if written := row[f"cost.{key}"]:
            assert float(written) == pytest.approx(number, rel=1e-5), key


def test_a_cell_that_drifted_would_be_found():
    row = next(row for (row,) in (param.values for param in committed()) if row["profile"] == "demo")
    altered = row | {"cost.gmacs": f"{1.0001 * float(row['cost.gmacs']):.6g}"}
    with pytest.raises(AssertionError, match="gmacs"):
        check(altered)
    assert len(committed()) > 100


def asked(row: dict) -> list[str]:
    """What was varied, as far as it shapes the network."""
    words = ["model=student"] if row["stage"] == "analysed" else []  # the trained one, which a fresh clone lacks
    for key, text in row.items():
        if text and key in ("compression.ratio", "model.generator.ngf"):
            words.append(f"{key}={text}")
        elif text and key == "model.warp.channels":
            words.append(f"{key}=[{text.replace('-', ',')}]")
        elif text and key in STRUCTURE:
            words.append(f"{key}={text.replace('None', 'null')}")
        elif text == "budget_uniform":
            words += [f"compression={text}", "compression.folder=null"]
        elif text and key == "compression" and text not in UNPRUNED:
            words.append("compression=prune")  # in steps or at once, the widths at the end are the same
    return words


@cache
def derived(name: str, profile: str, *words: str) -> dict[str, float]:
    cfg = composed([f"experiment={name}", f"profile={profile}", *words], None)
    net = instantiate(cfg.model, _convert_="all")
    if "compression=budget_uniform" in words:
        net = instantiate(cfg.compression, _convert_="all")(net)
    elif cfg.compression is not None and (cfg.compression.ratio > 0 or cfg.compression.ratios):
        chosen = {key: cfg.compression[key] for key in PRUNING}
        net = Pruning(**instantiate(chosen, _convert_="all"))(net)
    return cost(net, tuple(cfg.data.size))
