"""The benchmark's two loops make the same pose maps, and it reports both."""

import numpy as np
import torch

from vtryon.bench.data_loading import main, plain_pose
from vtryon.data.files import decode
from vtryon.data.files.reader import read
from vtryon.data.pose import boxes, pose_maps


def test_the_plain_loop_draws_the_same_pose(clean):
    path = min((clean.train / "train_pose").iterdir())
    keypoints = boxes(read(path, decode.keypoints), (256, 192), (256, 192))
    assert torch.equal(
        pose_maps(torch.from_numpy(np.stack([keypoints])), (256, 192))[0],
        plain_pose(path),
    )


def test_the_benchmark_prints_both_loops_and_their_ratio(clean, capsys):
    assert main(clean.root, samples=4, rounds=1) == 0
    text = capsys.readouterr().out
    assert all(words in text for words in ("vtryon", "plain loop", "share of the time"))
