"""Work is shared out to torch's threads: all of it is done, each part on a thread of its own, and errors come back."""

import threading
from itertools import chain

import pytest
import torch

from vtryon.utils import openmp
from vtryon.utils.openmp import shares, together


@pytest.fixture(params=["torch's runtime", "ordinary threads"])
def three_threads(request, monkeypatch):
    if request.param == "ordinary threads":
        monkeypatch.setattr(openmp, "_runtime", lambda: None)
    elif openmp._runtime() is None:
        pytest.skip("this torch brings no libgomp")
    usual = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(usual)


@pytest.mark.parametrize("count", [1, 2, 3, 10])
@pytest.mark.usefixtures("three_threads")
def test_shares_are_all_of_it_in_order_and_as_even_as_can_be(count):
    parts = shares(count)
    assert [*chain(*(range(*part) for part in parts))] == [*range(count)]
    sizes = [stop - start for start, stop in parts]
    assert len(parts) == min(count, 3)
    assert max(sizes) - min(sizes) <= 1


@pytest.mark.usefixtures("three_threads")
def test_each_job_is_done_once_and_at_the_same_time_as_the_others():
    meeting, met = threading.Barrier(3, timeout=60), []

    def job(name: str) -> None:
        meeting.wait()  # would time out if another waited for this one's end
        met.append(name)

    together([lambda name=name: job(name) for name in "abc"])
    assert sorted(met) == ["a", "b", "c"]


@pytest.mark.usefixtures("three_threads")
def test_more_jobs_than_threads_are_all_done():
    done = []
    together([lambda number=number: done.append(number) for number in range(20)])
    assert sorted(done) == [*range(20)]


@pytest.mark.usefixtures("three_threads")
def test_what_a_job_asks_of_torch_is_answered_on_its_thread():
    a, found = torch.randn(4, 300, 300), {}
    together([lambda part=part: found.__setitem__(part, torch.bmm(a, a)) for part in range(3)])
    assert all(torch.equal(each, found[0]) for each in found.values())
    assert torch.allclose(found[0], a @ a, atol=1e-3)


@pytest.mark.usefixtures("three_threads")
def test_an_error_of_a_job_is_raised_when_the_others_are_done():
    done = []

    def fail() -> None:
        raise ValueError("of no use")

    with pytest.raises(ValueError, match="of no use"):
        together([fail, lambda: done.append(1), lambda: done.append(2)])
    assert sorted(done) == [1, 2]
    assert torch.ones(5).sum() == 5  # torch's threads work on
