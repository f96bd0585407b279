import pytest
from tiny_run import LIGHTNING_WARNINGS, TinyData, TinyModule, trainer

from vtryon.callbacks.cost import CostRecord
from vtryon.callbacks.directions import best
from vtryon.metrics.cost import cost


@pytest.mark.filterwarnings(*LIGHTNING_WARNINGS)
def test_the_deployed_network_is_counted_at_the_size_of_the_run(tmp_path):
    count, module = CostRecord((128, 96)), TinyModule()
    assert count.record() == {}
    trainer(tmp_path, count).validate(module, datamodule=TinyData(tmp_path), verbose=False)
    assert count.record() == cost(module.net, (128, 96))


@pytest.mark.parametrize(
    "name",
    ["gmacs", "params_m", "mib", "mse", "epe", "fid", "kid", "median_ms", "total"],
)
def test_less_is_better_of_errors_distances_and_costs(name):
    assert best(f"any/{name}") == "min"


@pytest.mark.parametrize("name", ["ssim", "psnr", "samples_per_s", "ssim_to_teacher"])
def test_more_is_better_of_likeness_and_speed(name):
    assert best(f"any/{name}") == "max"
