"""Sweeps and compressed networks, from their first step to their rows."""

import json

import pytest
from smoke_runs import SMOKE, rows, vtryon

from vtryon.models.checkpoint import load_net

pytestmark = pytest.mark.slow


def test_a_sweep_leaves_a_row_for_each_value(chain, here):
    given = ["model.generator.ngf=1,2", "init.take=[warp.]", "training=distill"]
    done = vtryon("run", "-m", "experiment=f7_ngf_distillation", f"paths.chain={chain}", *given, *SMOKE)
    assert done.returncode == 0, done.stderr
    found = rows(here / "runs")
    sizes = [row["cost"]["igm/params_m"] for row in found]
    assert sizes == sorted(sizes)
    assert len({row["config_hash"] for row in found}) == len(found) == 2


def test_every_way_of_pruning_and_tuning_ends_at_the_same_size(chain, here):
    done = vtryon("run", "-m", "experiment=t3_best_pruning", f"paths.chain={chain}", *SMOKE)
    assert done.returncode == 0, done.stderr
    untuned = vtryon("run", "experiment=t3_untuned", f"paths.chain={chain}", *SMOKE)
    assert untuned.returncode == 0, untuned.stderr
    found = rows(here / "runs")
    assert len({tuple(row["varied"].values()) for row in found}) == len(found) == 10
    dense = json.loads((chain / "student" / "row.json").read_text())
    (size,) = {row["cost"]["params_m"] for row in found}
    assert size < 0.7 * dense["cost"]["params_m"]
    for folder in (file.parent for file in (here / "runs").rglob("row.json")):
        assert sum(value.numel() for value in load_net(folder / "model.safetensors").parameters()) / 1e6 == size


def test_a_budget_leaves_a_row_beside_the_uniform_one_of_the_same_size(chain, here):
    done = vtryon("run", "experiment=budget", f"paths.chain={chain}", "target.share=0.6", *SMOKE)
    assert done.returncode == 0, done.stderr
    found = {row["name"]: row for row in rows(here / "runs")}
    assert found.keys() == {"budget", "budget-uniform"}
    dense = json.loads((chain / "student" / "row.json").read_text())
    assert all(row["cost"]["gmacs"] <= 0.6 * dense["cost"]["gmacs"] for row in found.values())
    assert "budget-uniform" in done.stdout


def test_an_importance_that_reads_gradients_asks_the_task(chain, here):
    taylor = "compression.importance._target_=torch_pruning.importance.TaylorImportance"
    given = ["experiment=t2_igm_pruning", f"paths.chain={chain}", taylor, *SMOKE]
    done = vtryon("run", *given, "training=by_task")
    assert done.returncode == 0, done.stderr
    for training in ("untuned", "by_teacher"):
        refused = vtryon("run", *given, f"training={training}")
        assert refused.returncode != 0
        assert "by_task" in refused.stderr
