import pytest
import torch

from vtryon.training.schedule import constant_then_linear, factor, second_half


def released_rate(epoch: int, niter: int, decay: int) -> float:
    """The released loop, in words: after each epoch beyond niter, lr0 / decay is taken off; epochs count from 1."""
    rate = 1.0
    for done in range(1, epoch):
        if done > niter:
            rate -= 1 / decay
    return rate


@pytest.mark.parametrize("half", [50, 100])
def test_rates_fall_as_in_the_released_loop(half):
    for epoch in range(1, 2 * half + 1):
        assert factor(epoch - 1, 2 * half) == pytest.approx(released_rate(epoch, half, half))


def test_the_last_epoch_still_learns():
    assert factor(99, 100) == pytest.approx(1 / 50)


def test_one_epoch_runs_at_the_full_rate():
    assert factor(0, 1) == 1


def test_the_late_phase_opens_with_the_hundredth_of_two_hundred_epochs():
    assert second_half(200) + 1 == 100


def test_a_group_rests_until_it_opens():
    weights = [torch.nn.Parameter(torch.ones(1)) for _ in range(2)]
    optimizer = torch.optim.Adam([{"params": [w]} for w in weights], lr=1.0)
    schedule = constant_then_linear(optimizer, max_epochs=4, opens=[0, 2])
    rates = []
    for _ in range(4):
        rates.append([group["lr"] for group in optimizer.param_groups])
        optimizer.step()
        schedule.step()
    assert rates == [[1, 0], [1, 0], [1, 1], [0.5, 0.5]]
