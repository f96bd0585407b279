"""A contact sheet of a procedural folder: every kind of file side by side, to be judged by eye."""

import json
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float16, UInt8

CELL = 192  # pixels high
GAP, CAPTION = 6, 24
TRAIN_COLUMNS = ("cloth", "edge", "person", "label", "densepose", "pose", "cloth x true flow")
TEST_COLUMNS = ("test person", "other cloth", "true try-on")
BONES = (
    (1, 2),
    (2, 3),
    (3, 4),
    (1, 5),
    (5, 6),
    (6, 7),
    (1, 8),
    (8, 9),
    (1, 11),
    (11, 12),
    (1, 0),
    (0, 14),
    (14, 16),
    (0, 15),
    (15, 17),
)


def contact_sheet(root: Path, rows: int = 6) -> UInt8[np.ndarray, "h w 3"]:
    """RGB: a training sample and an unpaired test pair in each row."""
    root = Path(root)
    train = list(_train_rows(root / "VITON_traindata", rows))
    test = list(_test_rows(root / "VITON_test", rows))
    if not (train and test):
        raise ValueError(f"root (={root}) must hold training and test samples; write it with train >= 1 and test >= 2")
    rows = [[*left, None, *right] for left, right in zip(train, test, strict=False)]
    return framed(rows, [*TRAIN_COLUMNS, None, *TEST_COLUMNS])


def framed(rows: list[list[np.ndarray | None]], names: list[str | None]) -> UInt8[np.ndarray, "h w 3"]:
    """Rows of pictures under the `names` of their columns; None is a wider gap."""
    sheet = np.concatenate([_captions(rows[0], names), *map(_row, rows)])
    return cv2.copyMakeBorder(sheet, GAP, GAP, GAP, GAP, cv2.BORDER_CONSTANT, value=(255, 255, 255))


def _train_rows(folder: Path, rows: int) -> Iterator[list[np.ndarray]]:
    for path in sorted((folder / "train_img").glob("*.jpg"))[:rows]:
        person_id, cloth_id = path.stem, path.stem[:-1] + "1"
        cloth, edge, person = (
            _read(folder / name)
            for name in (f"train_color/{cloth_id}.jpg", f"train_edge/{cloth_id}.jpg", f"train_img/{person_id}.jpg")
        )
        label = cv2.imread(str(folder / f"train_label/{person_id}.png"), cv2.IMREAD_GRAYSCALE)
        body_parts = np.load(folder / f"train_densepose/{person_id}.npy")
        pose_file = folder / f"train_pose/{person_id}_keypoints.json"
        pose = json.loads(pose_file.read_text())["people"][0]["pose_keypoints"]
        warped = worn_cloth(cloth, np.load(folder / f"train_flow/{person_id}.npy"))
        yield [
            cloth,
            edge,
            person,
            colours(14)[label],
            colours(25)[body_parts],
            _skeleton(person, np.reshape(pose, (18, 3))),
            warped,
        ]


def _test_rows(folder: Path, rows: int) -> Iterator[list[np.ndarray]]:
    pairs = folder / "test_pairs.txt"
    for line in pairs.read_text().split("\n")[:rows] if pairs.exists() else ():
        if line:
            person, cloth = line.split()
            truth = folder / "test_truth" / f"{Path(person).stem}__{Path(cloth).stem}.png"
            yield [_read(folder / "test_img" / person), _read(folder / "test_clothes" / cloth), _read(truth)]


def _read(path: Path) -> np.ndarray:
    return cv2.imread(str(path), cv2.IMREAD_COLOR)[..., ::-1]


def worn_cloth(cloth: UInt8[np.ndarray, "h w 3"], flow: Float16[np.ndarray, "2 h w"]) -> UInt8[np.ndarray, "h w 3"]:
    """The cloth sampled with a true flow; light grey where the garment is not seen."""
    height, width = flow.shape[1:]
    grid = (flow.astype(np.float32).transpose(1, 2, 0) + 1) / 2 * np.float32([width - 1, height - 1])
    has_garment = np.isfinite(grid).all(axis=-1, keepdims=True)
    warped = cv2.remap(cloth, np.nan_to_num(grid), None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.where(has_garment, warped, np.uint8(238))


def colours(count: int) -> np.ndarray:
    """White, then hues a golden angle apart, (count, 3)."""
    index = np.arange(count)
    hsv = np.stack([index * 137.508 / 2 % 180, 110 + index % 3 * 45, 235 - index % 4 * 28], axis=-1).astype(np.uint8)
    rgb = cv2.cvtColor(hsv[None], cv2.COLOR_HSV2RGB)[0]
    rgb[0] = 245
    return rgb


def _skeleton(person: np.ndarray, pose: np.ndarray) -> np.ndarray:
    scale = CELL / person.shape[0]
    size = (round(person.shape[1] * scale), CELL)
    picture = cv2.resize(person // 3 + 160, size, interpolation=cv2.INTER_AREA)
    points = np.round((pose[:, :2] + 0.5) * scale - 0.5).astype(int)
    palette = colours(19)[1:].tolist()
    for from_joint, to_joint in BONES:
        if pose[from_joint, 2] and pose[to_joint, 2]:
            cv2.line(picture, points[from_joint].tolist(), points[to_joint].tolist(), palette[to_joint], 2, cv2.LINE_AA)
    for point, (_, _, confidence), colour in zip(points.tolist(), pose, palette, strict=True):
        if confidence:
            cv2.circle(picture, point, 3, colour, -1, cv2.LINE_AA)
    return picture


def _row(cells: list[np.ndarray | None]) -> np.ndarray:
    """Cells side by side; None is a wider gap."""
    pieces = []
    for cell in cells:
        if cell is None:
            pieces.append(np.full((CELL, 2 * GAP, 3), 255, np.uint8))
        else:
            size = (round(cell.shape[1] * CELL / cell.shape[0]), CELL)
            pieces += [cv2.resize(cell, size, interpolation=cv2.INTER_AREA), np.full((CELL, GAP, 3), 255, np.uint8)]
    return np.pad(np.concatenate(pieces[:-1], axis=1), ((0, GAP), (0, 0), (0, 0)), constant_values=255)


def _captions(cells: list[np.ndarray | None], names: list[str | None]) -> np.ndarray:
    strip = np.full((CAPTION, _row(cells).shape[1], 3), 255, np.uint8)
    x = 0
    for cell, name in zip(cells, names, strict=True):
        if cell is None:
            x += 2 * GAP
            continue
        width = round(cell.shape[1] * CELL / cell.shape[0])
        scale = 0.42
        text = cv2.getTextSize(name, cv2.FONT_HERSHEY_SIMPLEX, scale, 1)[0][0]
        cv2.putText(
            strip,
            name,
            (x + max(0, width - text) // 2, CAPTION - 9),
            cv2.FONT_HERSHEY_SIMPLEX,
            scale,
            (50, 50, 50),
            1,
            cv2.LINE_AA,
        )
        x += width + GAP
    return strip
