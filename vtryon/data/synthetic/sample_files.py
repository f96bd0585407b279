"""The files of one procedural sample, in VITON's layout."""

import io
import json
import os
from pathlib import Path

import cv2
import numpy as np

from vtryon.data.synthetic.canvas import Frame
from vtryon.data.synthetic.garment.shop_picture import Shop
from vtryon.data.synthetic.sample import make_person, make_shop, nearest, pose, reduce, to_uint8, wear

TRAIN, TEST = 0, 1
TEST_OFFSET = 500_000  # test ids start here, so that no id is in both splits
JPEG = (cv2.IMWRITE_JPEG_QUALITY, 95, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444)


def write_train(root: Path, seed: int, size: tuple[int, int], index: int) -> None:
    """A person in a garment, the garment, and the maps that training reads."""
    frame, (person_id, cloth_id) = Frame.of(size), names(TRAIN, index)
    person, shop = make_person(seed, TRAIN, index, frame), make_shop(seed, TRAIN, index, frame)
    worn, folder = wear(person, shop, frame), root / "VITON_traindata"
    people = [{"pose_keypoints": np.round(pose(person, frame), 3).reshape(-1).tolist()}]
    _save(folder / "train_img" / f"{person_id}.jpg", worn.image)
    _save_shop(folder / "train_color" / f"{cloth_id}.jpg", folder / "train_edge" / f"{cloth_id}.jpg", shop, frame)
    _save(folder / "train_label" / f"{person_id}.png", worn.label)
    _save(folder / "train_densepose" / f"{person_id}.npy", nearest(person.body_parts, frame))
    _save(folder / "train_flow" / f"{person_id}.npy", worn.flow)
    keypoints = json.dumps({"version": 1.0, "people": people}).encode()
    write(folder / "train_pose" / f"{person_id}_keypoints.json", keypoints)


def write_test(root: Path, seed: int, size: tuple[int, int], test: int, index: int) -> None:
    """A person in a garment, the garment, and the truth for the person in another of the `test` garments."""
    frame, (person_id, cloth_id) = Frame.of(size), names(TEST, index)
    person, shop = make_person(seed, TEST, index, frame), make_shop(seed, TEST, index, frame)
    worn, folder = wear(person, shop, frame), root / "VITON_test"
    _save(folder / "test_img" / f"{person_id}.jpg", worn.image)
    _save_shop(folder / "test_clothes" / f"{cloth_id}.jpg", folder / "test_edge" / f"{cloth_id}.jpg", shop, frame)
    _save(folder / "test_flow" / f"{person_id}__{cloth_id}.npy", worn.flow)
    garment_index = unpaired(index, test)
    truth = wear(person, make_shop(seed, TEST, garment_index, frame), frame)
    pair = f"{person_id}__{names(TEST, garment_index)[1]}"
    _save(folder / "test_truth" / f"{pair}.png", truth.image)
    _save(folder / "test_flow" / f"{pair}.npy", truth.flow)


def unpaired(index: int, test: int) -> int:
    """The other garment of a test person: the next one's."""
    return (index + 1) % test


def names(split: int, index: int) -> tuple[str, str]:
    """The ids of a sample's person and garment."""
    number = index + TEST_OFFSET * split
    return f"{number:06d}_0", f"{number:06d}_1"


def write(path: Path, content: bytes) -> None:
    """In one step for readers; not flushed to disk, which would double the time: the marker vouches for all files."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{os.getpid()}-{path.name}")
    temporary.write_bytes(content)
    temporary.replace(path)


def _save_shop(image: Path, edge: Path, shop: Shop, frame: Frame) -> None:
    _save(image, to_uint8(shop.image, frame))
    _save(edge, (reduce(shop.mask, frame) > 0.5).astype(np.uint8) * 255)


def _save(path: Path, array: np.ndarray) -> None:
    """By suffix; pictures are RGB or grey."""
    if path.suffix == ".npy":
        buffer = io.BytesIO()
        np.save(buffer, array)
        content = buffer.getvalue()
    else:
        options = JPEG if path.suffix == ".jpg" else ()
        content = cv2.imencode(path.suffix, array[..., ::-1] if array.ndim == 3 else array, options)[1].tobytes()
    write(path, content)
