"""The timing protocol, on calls whose length is known."""

import pytest
import torch
from clock import Clock

from vtryon.utils import latency as benchmark
from vtryon.utils.latency import latency


def test_the_percentiles_are_those_of_the_calls_made(monkeypatch):
    clock, naps = Clock(), iter([0.03, 0.03] + [0.001] * 8 + [0.02] * 2)
    monkeypatch.setattr(benchmark, "time", clock)
    measured = latency(lambda: clock.sleep(next(naps)), warmup=2, repeats=10)
    assert measured[:3] == pytest.approx((1, 1, 20))  # ms; the slow warm-up is not counted
    assert next(naps, None) is None


def test_the_record_says_what_it_was_measured_on():
    measured = latency(lambda: None, warmup=0, repeats=3)
    assert (measured.repeats, measured.device, measured.threads) == (
        3,
        "cpu",
        torch.get_num_threads(),
    )
    assert len(measured.load) == 2


@pytest.mark.parametrize("wrong", [{"repeats": 0}, {"warmup": -1}])
def test_counts_that_measure_nothing_are_refused(wrong):
    with pytest.raises(ValueError, match=r"repeats=.* must be at least 1 and warmup=.* at least 0"):
        latency(lambda: None, **wrong)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_work_queued_on_the_gpu_is_waited_for():
    a = torch.randn(4096, 4096, device="cuda")
    queued, whole = (
        latency(lambda: a @ a @ a @ a, device="cpu"),
        latency(lambda: a @ a @ a @ a, device="cuda"),
    )
    assert whole.min_ms > 3 * queued.min_ms
    assert whole.device == torch.cuda.get_device_name()
