"""Drawn people and garments for whoever has no photo at hand; nobody's picture is shown."""

from pathlib import Path
from typing import NamedTuple

from vtryon.data.synthetic.canvas import Frame
from vtryon.data.synthetic.sample import make_person, make_shop, to_uint8, wear
from vtryon.data.synthetic.sample_files import TEST
from vtryon.deploy.photo import write_photo

SEED = 0
SIZE = (512, 384)  # height and width in pixels


class Examples(NamedTuple):
    """Files of pictures."""

    persons: list[Path]
    garments: list[Path]


def draw_examples(folder: Path, count: int = 4) -> Examples:
    """Draw `count` persons and as many garments, none of which a person wears."""
    frame = Frame.of(SIZE)
    examples = Examples([], [])
    for index in range(count):
        person = make_person(SEED, TEST, index, frame)
        worn = wear(person, make_shop(SEED, TEST, index, frame), frame)
        unworn_garment = make_shop(SEED, TEST, index + count, frame)
        examples.persons.append(folder / f"person_{index + 1}.png")
        examples.garments.append(folder / f"garment_{index + 1}.png")
        write_photo(examples.persons[-1], worn.image)
        write_photo(examples.garments[-1], to_uint8(unworn_garment.image, frame))
    return examples
