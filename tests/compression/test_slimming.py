"""A narrow student starts from the channels that pruning would have left it."""

import pytest
import torch
from narrow import answer, net_of

from vtryon.compression.pruning import Pruning
from vtryon.compression.slimming import slim_from, slimmed
from vtryon.models.checkpoint import save_net
from vtryon.models.generator import ResUnetGenerator
from vtryon.models.tryon import TryOnNet


def student(ngf: int = 2) -> TryOnNet:
    torch.manual_seed(7)
    return TryOnNet(net_of().warp, ResUnetGenerator(7, ngf=ngf)).eval()


def test_slimming_to_the_widths_that_pruning_leaves_keeps_the_channels_that_pruning_keeps():
    teacher = net_of()
    pruned = Pruning(0.4, round_to=1)(teacher)
    slim = slimmed(teacher, pruned)
    for key, value in pruned.state_dict().items():
        assert torch.equal(slim.state_dict()[key], value), key


def test_slimming_to_its_own_widths_leaves_a_teacher_as_it_is():
    teacher = net_of()
    for one, other in zip(answer(slimmed(teacher, net_of())), answer(teacher), strict=True):
        assert torch.equal(one, other)


def test_a_student_starts_from_its_teacher_in_the_parts_it_names_and_nowhere_else(tmp_path):
    teacher, net = net_of(), student()
    save_net(teacher, tmp_path / "teacher.safetensors")
    before = {key: value.clone() for key, value in net.state_dict().items()}
    slim_from(net, tmp_path / "teacher.safetensors", take=["generator."])
    whole = slimmed(teacher, net).state_dict()
    for key, value in net.state_dict().items():
        assert torch.equal(value, (whole if key.startswith("generator.") else before)[key]), key


def test_a_student_wider_than_its_teacher_is_refused_by_layer():
    with pytest.raises(ValueError, match=r"generator.*the student wants 8 channels, its teacher has 4"):
        slimmed(net_of(), student(ngf=8))
