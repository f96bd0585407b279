"""A supernet is trained, searched, swept and drawn; a width that it lacks is an error of one line."""

import csv
import json

import pytest
from smoke_runs import SMOKE, rows, vtryon

from vtryon.compression.budget.clock import precisions_here

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def supernet(chain, tmp_path_factory):
    """The run of a supernet of the demo's student, two steps long."""
    run = tmp_path_factory.mktemp("supernet") / "slimmable"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VTRYON_CACHE", str(chain.parent / "cache"))
        done = vtryon("run", "experiment=slimmable", f"paths.chain={chain}", f"paths.run={run}", *SMOKE)
    assert done.returncode == 0, done.stderr
    return run


def test_one_training_holds_many_networks_that_are_picked_swept_and_drawn(chain, here, supernet):
    def one(recipe: str, *words: str) -> dict:
        places = [f"paths.chain={chain}", f"paths.run={here / recipe}"]
        done = vtryon("run", f"experiment={recipe}", given, *words, *places, *SMOKE)
        assert done.returncode == 0, done.stderr
        return json.loads((here / recipe / "row.json").read_text())

    given = f"parents.supernet={supernet / 'model.safetensors'}"
    few = {"population": 3, "generations": 2, "parents": 1}
    whole = json.loads((supernet / "row.json").read_text())
    picked = one("pick", "target.share=0.6", *(f"compression.{k}={v}" for k, v in few.items()))
    assert 0.3 < picked["cost"]["gmacs"] / whole["cost"]["gmacs"] <= 0.6
    drawn = one("width_front", "analysis.budgets=3", *(f"analysis.{k}={v}" for k, v in few.items()))
    table = (here / "width_front" / "sensitivity.csv").read_text().splitlines()
    assert drawn["analysis"]["networks"] == len(table) - 1 > 3  # the ends have a single network each
    assert (here / "width_front" / "figures" / "front.png").is_file()
    with (here / "width_front" / "front.csv").open(newline="") as file:
        timed = list(csv.DictReader(file))
    assert all(float(row["ms"]) > 0 for row in timed)
    assert {row["precision"] for row in timed} <= set(precisions_here())
    budgets = (here / "width_front" / "figures" / "budgets.csv").read_text().splitlines()
    assert len(budgets) == 13
    for figure, part in {"f7_ngf_distillation": "igm", "f11_warp_channels": "cwm"}.items():
        sweep = [f"experiment={figure}", "source=supernet", f"paths.runs={figure}"]
        done = vtryon("run", "-m", *sweep, given, f"paths.chain={chain}", *SMOKE)
        assert done.returncode == 0, done.stderr
        sizes = [row["cost"][f"{part}/params_m"] for row in rows(here / figure)]
        assert len(set(sizes)) == len(sizes) == 2


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (
            ["experiment=f7_ngf_distillation", "model.generator.ngf=3", "compression=from_supernet"],
            "compression: ngf (=3) must be one of [1, 2, 4]",
        ),
        (["experiment=pick", "target.gmacs=1e-9"], "compression: target.gmacs (=1e-09) is out of reach: the narrowest"),
        (["experiment=pick", "parents.supernet=STUDENT"], "compression: holds one network, no supernet"),
        (["experiment=pick", "parents.supernet=nowhere"], "parents.supernet=nowhere: no such file"),
    ],
)
def test_what_a_supernet_does_not_hold_is_told_in_one_line(chain, here, supernet, words, says):
    given = [f"parents.supernet={supernet / 'model.safetensors'}", "training=untuned", f"paths.chain={chain}"]
    words = [word.replace("STUDENT", str(chain / "student" / "model.safetensors")) for word in words]
    done = vtryon("run", *given, *SMOKE, *words)
    assert done.returncode == 2
    assert says in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
