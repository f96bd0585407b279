import os

# small networks gain nothing from threads, and on a busy machine they lose much by waiting for each other
os.environ["OMP_NUM_THREADS"] = "1"

import pytest
import torch

import vtryon  # noqa: F401 (before Lightning, which imports torchvision)

torch.set_num_threads(1)


@pytest.fixture(scope="session")
def chain(tmp_path_factory):
    """All stages of the demo, two steps each: the folder of their runs, and beside it cache/ with their pictures."""
    from vtryon.cli import main

    place = tmp_path_factory.mktemp("chain")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VTRYON_CACHE", str(place / "cache"))
        assert main(["demo", "--runs", str(place / "demo"), "debug=smoke", "trainer=cpu"]) == 0
    return place / "demo"
