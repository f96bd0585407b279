"""A folder of photos as a user might have it."""

import numpy as np
import pytest

from vtryon.deploy.photo import write_photo


@pytest.fixture
def folder(tmp_path):
    """Three persons and two garments of different sizes, one garment with a mask file."""
    rng = np.random.default_rng(0)
    for name, shape in {"a": (90, 60, 3), "b": (64, 64, 3), "c": (50, 120, 3)}.items():
        write_photo(
            tmp_path / "images" / f"{name}.png",
            rng.integers(0, 256, shape).astype(np.uint8),
        )
    for name, colour in {"red": (200, 20, 30), "blue": (20, 30, 200)}.items():
        cloth = np.full((120, 100, 3), 255, np.uint8)
        cloth[30:100, 20:80] = colour
        write_photo(tmp_path / "cloths" / f"{name}.jpg", cloth)
    edge = np.zeros((120, 100, 3), np.uint8)
    edge[50:60, 30:40] = 255
    write_photo(tmp_path / "edges" / "red.png", edge)
    (tmp_path / "pairs.txt").write_text("a.png red.jpg\n\nb.png blue.jpg\nc.png red.jpg\n")
    return tmp_path
