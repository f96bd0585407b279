import pytest
from tiny_run import LIGHTNING_WARNINGS, TinyData, TinyModule, trainer

from vtryon.callbacks.cost import CostRecord
from vtryon.metrics.cost import cost
from vtryon.metrics.registry import direction


@pytest.mark.filterwarnings(*LIGHTNING_WARNINGS)
def test_the_deployed_network_is_counted_at_the_size_of_the_run(tmp_path):
    count, module = CostRecord((128, 96)), TinyModule()
    assert count.record() == {"cost": {}}
    trainer(tmp_path, count).validate(module, datamodule=TinyData(tmp_path), verbose=False)
    assert count.record()["cost"] == cost(module.net, (128, 96))


@pytest.mark.filterwarnings(*LIGHTNING_WARNINGS)
def test_a_test_without_batches_is_counted_too(tmp_path):
    count, module = CostRecord((128, 96)), TinyModule()
    trainer(tmp_path, count, limit_test_batches=0).test(module, datamodule=TinyData(tmp_path), verbose=False)
    assert count.record()["cost"] == cost(module.net, (128, 96))


@pytest.mark.parametrize(
    "name",
    ["gmacs", "params_m", "mib", "mse", "epe", "fid", "kid", "median_ms", "total"],
)
def test_less_is_better_of_errors_distances_and_costs(name):
    assert direction(f"any/{name}") == "min"


@pytest.mark.parametrize("name", ["ssim", "psnr", "samples_per_s", "ssim_to_teacher"])
def test_more_is_better_of_similarity_and_speed(name):
    assert direction(f"any/{name}") == "max"
