"""A small VITON folder of noise: every file valid, nothing in it looks like anything."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

SIZE = (256, 192)


def write_json(path, keypoints):
    people = [{"pose_keypoints": [float(number) for row in keypoints for number in (*row, 0.9)]}]
    path.write_text(json.dumps({"people": people if len(keypoints) else []}))


class Folder:
    """Write VITON folders; `train` and `test` are ids such as "000003"."""

    def __init__(self, root: Path, train=(), test=(), size=SIZE, flow=False, seed=0):
        self.root, self.size, self.rng = root, size, np.random.default_rng(seed)
        self.train, self.test = root / "VITON_traindata", root / "VITON_test"
        for number in train:
            self._pair(self.train, "train_img", "train_color", "train_edge", number)
            self._parser(number)
            if flow:
                self.flow(self.train / "train_flow" / f"{number}_0.npy")
        for number in test:
            self._pair(self.test, "test_img", "test_clothes", "test_edge", number)
        if test:
            other = [*test[1:], test[0]]
            self.list("test_pairs.txt", zip(test, other, strict=True))
            self.list("test_pairs_same.txt", zip(test, test, strict=True))

    def list(self, name, pairs):
        lines = [f"{person}_0.jpg {cloth}_1.jpg\n" for person, cloth in pairs]
        (self.test / name).write_text("".join(lines))

    def picture(self, path, channels=3, size=None):
        """Smooth noise, or for one channel the mask of an oval garment."""
        path.parent.mkdir(parents=True, exist_ok=True)
        height, width = size or self.size
        if channels == 1:
            image = np.zeros((height, width), np.uint8)
            axes = [
                int(side * share) for side, share in zip((width, height), self.rng.uniform(0.25, 0.4, 2), strict=True)
            ]
            cv2.ellipse(image, (width // 2, height // 2), axes, 0, 0, 360, 255, -1)
        else:
            coarse = self.rng.integers(0, 256, (8, 6, channels), dtype=np.uint8)
            image = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
        assert cv2.imwrite(str(path), image)

    def blocks(self, most):
        """Random ids 0..most in blocks of an eighth of the height."""
        ids = self.rng.integers(0, most + 1, (8, 6), dtype=np.uint8)
        return cv2.resize(ids, self.size[::-1], interpolation=cv2.INTER_NEAREST)

    def flow(self, path):
        path.parent.mkdir(parents=True, exist_ok=True)
        height, width = self.size
        y, x = np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij")
        grid = np.stack([0.9 * x, 0.8 * y]).astype(np.float16)
        grid[:, : height // 4] = np.nan
        np.save(path, grid)

    def _pair(self, folder, person, cloth, edge, number):
        self.picture(folder / person / f"{number}_0.jpg")
        self.picture(folder / cloth / f"{number}_1.jpg")
        self.picture(folder / edge / f"{number}_1.jpg", channels=1)

    def _parser(self, number):
        for name in ("train_label", "train_pose", "train_densepose"):
            (self.train / name).mkdir(exist_ok=True)
        cv2.imwrite(str(self.train / "train_label" / f"{number}_0.png"), self.blocks(13))
        np.save(
            self.train / "train_densepose" / f"{number}_0.npy",
            self.blocks(24).astype(np.float32),
        )
        keypoints = self.rng.uniform(0, 1, (18, 2)) * self.size[::-1]
        keypoints[self.rng.integers(18)] = 0  # not found
        write_json(self.train / "train_pose" / f"{number}_0_keypoints.json", keypoints)


def ids(count, start=0):
    return [f"{number:06d}" for number in range(start, start + count)]


@pytest.fixture(scope="session")
def clean(tmp_path_factory):
    """8 training and 4 test samples that no test may change."""
    return Folder(tmp_path_factory.mktemp("clean"), ids(8), ids(4, 100), flow=True)


@pytest.fixture
def folder(tmp_path):
    """4 training and 3 test samples to damage."""
    return Folder(tmp_path, ids(4), ids(3, 100), size=(64, 32))
