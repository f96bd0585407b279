import pytest
import torch.distributed as dist
import torch.multiprocessing as mp

from vtryon.callbacks.samples import SampleScores, averages, gather


def process(rank, folder, counts):
    dist.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
    # three samples over two processes: the sampler gives the first one to both
    rows = [SampleScores("val", f"{n}", "c", {"mse": float(n)}) for n in ((1, 2), (3, 1))[rank]]
    counts[rank] = averages(gather(rows))["val/mse"]
    dist.destroy_process_group()


@pytest.mark.slow
def test_processes_agree_on_a_mean_that_counts_each_pair_once(tmp_path):
    with mp.Manager() as manager:
        counts = manager.dict()
        mp.spawn(process, (str(tmp_path), counts), nprocs=2)
        assert dict(counts) == {0: 2.0, 1: 2.0}
