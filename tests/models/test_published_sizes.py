"""Parameters, names and multiplications of the published networks, counted without allocating them."""

from pathlib import Path

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from vtryon.models.afwm import AFWM
from vtryon.models.flow import AFlowNet
from vtryon.models.generator import ResUnetGenerator
from vtryon.models.layers.encoder import FeatureEncoder
from vtryon.models.layers.pyramid import RefinePyramid
from vtryon.models.tryon import TryOnNet

GOLDEN = Path(__file__).parents[1] / "golden"
PUBLISHED = (64, 128, 256, 256, 256)
NETS = {
    "pf_warp": lambda: AFWM(3),
    "pb_warp": lambda: AFWM(45),
    "pf_gen": lambda: ResUnetGenerator(7),
    "pb_gen": lambda: ResUnetGenerator(8),
}
COUNTS = [  # PF-AFN's own classes, counted
    (NETS["pf_warp"], 29_304_416, 18_238),
    (NETS["pb_warp"], 29_328_692, 18_322),
    (NETS["pf_gen"], 43_899_968, 23_211),
    (NETS["pb_gen"], 43_900_544, 23_211),
    (lambda: FeatureEncoder(3), 9_374_278, 9_119),
    (lambda: FeatureEncoder(45), 9_398_554, 9_203),
    (lambda: RefinePyramid(PUBLISHED), 3_197_440, 0),
    (lambda: AFlowNet().netMain, 747_050, 0),
    (lambda: AFlowNet().netRefine, 3_413_930, 0),
    (lambda: TryOnNet(AFWM(3), ResUnetGenerator(7)), 73_204_384, 41_449),
]


@pytest.mark.parametrize(("build", "parameters", "buffers"), COUNTS)
def test_parameters_and_buffers_are_as_many_as_the_original_s(build, parameters, buffers):
    with torch.device("meta"):
        net = build()
    assert sum(p.numel() for p in net.parameters()) == parameters
    assert sum(b.numel() for b in net.buffers()) == buffers


@pytest.mark.parametrize("name", NETS)
def test_state_dict_has_the_released_names_shapes_types_and_order(name):
    with torch.device("meta"):
        state = NETS[name]().state_dict()
    ours = [f"{key} {list(value.shape)} {str(value.dtype).removeprefix('torch.')}" for key, value in state.items()]
    assert ours == (GOLDEN / f"keys_{name}.txt").read_text().splitlines()


def test_multiplications_are_as_many_as_the_original_s():
    gmacs = {
        "image_features": 6.618,
        "cond_features": 6.618,
        "image_FPN": 10.022,
        "cond_FPN": 10.022,
        "aflow_net": 2.442 + 11.172 + 0.205,  # coarse heads, fine heads, correlation
    }
    with torch.device("meta"):
        net = TryOnNet(AFWM(3), ResUnetGenerator(7))
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            net(
                torch.empty(1, 3, 256, 192),
                torch.empty(1, 3, 256, 192),
                torch.empty(1, 1, 256, 192),
            )
    counts = counter.get_flop_counts()
    for part, expected in gmacs.items():
        counted = sum(counts[f"TryOnNet.warp.{part}"].values()) / 2e9
        assert counted == pytest.approx(expected, abs=0.002), part
    assert sum(counts["TryOnNet.generator"].values()) / 2e9 == pytest.approx(21.906, abs=0.001)
    assert counter.get_total_flops() / 2e9 == pytest.approx(46.894 + 0.205 + 21.906, abs=0.002)


@pytest.mark.parametrize(
    ("ngf", "million", "gmacs"),
    [
        (64, 43.90, 21.91),
        (48, 24.70, 12.37),
        (32, 10.98, 5.55),
        (16, 2.750, 1.421),
        (8, 0.689, 0.372),
        (4, 0.173, 0.102),
        (2, 0.0438, 0.0297),
    ],
)
def test_a_narrow_generator_is_as_large_and_as_slow_as_was_computed_independently(ngf, million, gmacs):
    with torch.device("meta"):
        net = ResUnetGenerator(ngf=ngf)
        counter = FlopCounterMode(display=False)
        with counter:
            net(torch.empty(1, 7, 256, 192))
    assert sum(p.numel() for p in net.parameters()) / 1e6 == pytest.approx(million, rel=3e-3)
    assert counter.get_total_flops() / 2e9 == pytest.approx(gmacs, rel=5e-3)  # the last digit


def test_the_narrowest_published_encoders_leave_seven_tenths_of_the_warp_s_work():
    def work(channels):
        with torch.device("meta"):
            net = AFWM(3, channels)
            counter = FlopCounterMode(display=False)
            with counter:
                net(torch.empty(1, 3, 256, 192), torch.empty(1, 3, 256, 192))
        return counter.get_total_flops()

    assert work((8,) * 5) / work(PUBLISHED) > 0.7  # the encoders are 28 %, the pyramids' 1x1 convolutions follow them
