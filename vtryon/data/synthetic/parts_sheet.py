"""Drawn body parts beside the true ones of procedural people: a picture, and how far the two overlap.

`python -m vtryon.data.synthetic.parts_sheet docs/images/body_parts.png` writes the picture and prints the overlaps.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from vtryon.data.densepose.body_parts import draw_body_parts
from vtryon.data.parse import DENSEPOSE_ARMS, DENSEPOSE_HANDS, LABELS, PARTS
from vtryon.data.synthetic.canvas import Frame
from vtryon.data.synthetic.contact_sheet import colours, framed
from vtryon.data.synthetic.sample import make_person, make_shop, nearest, pose, wear
from vtryon.data.synthetic.sample_files import TRAIN
from vtryon.utils.atomic import atomic_write

SIZE = (256, 192)
COLUMNS = ("person", "labels", "true parts", "drawn parts")
REGIONS = {
    "torso": (1, 2),
    "arms": DENSEPOSE_ARMS,
    "hands": DENSEPOSE_HANDS,
    "head": (23, 24),
    "legs": tuple(range(7, 15)),
}


class Drawn(NamedTuple):
    """A procedural person with the parts drawn from labels and pose, and the true ones."""

    image: UInt8[np.ndarray, "h w 3"]  # RGB
    labels: UInt8[np.ndarray, "h w"]
    keypoints: Float[np.ndarray, "18 2"]
    truth: UInt8[np.ndarray, "h w"]
    drawn_parts: UInt8[np.ndarray, "h w"]


def drawn_people(count: int, seed: int = 0) -> Iterator[Drawn]:
    """The first people of the procedural training set of this seed."""
    frame = Frame.of(SIZE)
    for index in range(count):
        person = make_person(seed, TRAIN, index, frame)
        worn = wear(person, make_shop(seed, TRAIN, index, frame), frame)
        keypoints = pose(person, frame)[:, :2]
        drawn_parts = draw_body_parts(worn.label, keypoints)
        yield Drawn(worn.image, worn.label, keypoints, nearest(person.body_parts, frame), drawn_parts)


def overlap(body_parts: UInt8[np.ndarray, "h w"], truth: UInt8[np.ndarray, "h w"], ids: tuple[int, ...]) -> float:
    """Intersection over union of the pixels of `ids`; 1 where neither has any."""
    first, second = np.isin(body_parts, ids), np.isin(truth, ids)
    union = np.count_nonzero(first | second)
    return np.count_nonzero(first & second) / union if union else 1.0


def parts_sheet(people: list[Drawn], abreast: int = 2) -> UInt8[np.ndarray, "h w 3"]:
    """RGB: person, labels, true and drawn parts, `abreast` people in each row."""
    cells = [
        [p.image, colours(LABELS)[p.labels], colours(PARTS)[p.truth], colours(PARTS)[p.drawn_parts]] for p in people
    ]
    rows = [cells[first_index : first_index + abreast] for first_index in range(0, len(cells) - abreast + 1, abreast)]
    joined = [[cell for person in row for cell in (*person, None)][:-1] for row in rows]
    return framed(joined, [name for _ in range(abreast) for name in (*COLUMNS, None)][:-1])


def main() -> None:
    """Write the picture of some people and print the mean overlaps of more."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, help="the picture to write, .png")
    parser.add_argument("--people", type=int, default=64, help="of whom the overlaps are means (default 64)")
    args = parser.parse_args()
    people = list(drawn_people(args.people))
    data = cv2.imencode(".png", parts_sheet(people[:6])[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 9])[1]
    with atomic_write(args.out) as temporary:
        temporary.write_bytes(data.tobytes())
    for name, ids in REGIONS.items():
        print(f"{name:6} {np.mean([overlap(p.drawn_parts, p.truth, ids) for p in people]):.3f}")


if __name__ == "__main__":
    main()
