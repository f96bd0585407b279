"""A frozen network follows its owner about, and takes no part in what the owner learns, saves or switches."""

import copy

import torch
from torch import nn

from vtryon.models.frozen import Frozen


class Owner(nn.Module):
    def __init__(self):
        super().__init__()
        self.own = nn.Linear(2, 2)
        self.tutor = Frozen(nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Dropout(0.5)))


def test_it_stays_in_eval_mode_whatever_the_owner_does():
    owner = Owner()
    owner.train()
    assert owner.own.training
    assert not any(module.training for module in owner.tutor.net.modules())


def test_its_statistics_and_weights_stay_while_the_owner_learns():
    owner = Owner().train()
    before = copy.deepcopy(owner.tutor.net.state_dict())
    optimizer = torch.optim.SGD(owner.parameters(), lr=1.0)
    owner.own(torch.rand(4, 2)).sum().add(owner.tutor(torch.rand(4, 2)).sum()).backward()
    optimizer.step()
    after = owner.tutor.net.state_dict()
    assert all(torch.equal(before[key], after[key]) for key in before)


def test_owner_neither_lists_nor_saves_it():
    owner = Owner()
    names = ["own.weight", "own.bias"]
    assert [name for name, _ in owner.named_parameters()] == names
    assert list(owner.state_dict()) == names
    assert list(owner.buffers()) == []
    owner.requires_grad_(True)
    assert not any(p.requires_grad for p in owner.tutor.net.parameters())


def test_it_moves_and_changes_type_with_the_owner():
    owner = Owner().double()
    assert {value.dtype for value in owner.tutor.net.parameters()} == {torch.float64}
    owner.to("meta")
    assert {value.device.type for value in owner.tutor.net.state_dict().values()} == {"meta"}


class Doubler(nn.Linear):
    def twice(self, x):
        return 2 * self(x)


def test_answers_carry_no_gradient_by_any_method():
    frozen, x = Frozen(Doubler(2, 2)), torch.rand(1, 2, requires_grad=True)
    assert not frozen(x).requires_grad
    assert not frozen(x, method="twice").requires_grad
    assert torch.equal(frozen(x, method="twice"), 2 * frozen(x))


def test_a_copy_holds_a_network_of_its_own():
    frozen = Frozen(nn.Linear(2, 2))
    other = copy.deepcopy(frozen)
    assert other.net is not frozen.net
    assert torch.equal(other.net.weight, frozen.net.weight)
