"""The 14 parse labels, and those of public data sets as these: LIP (CP-VTON), CIHP (VITON-HD), Dress Code.

The neck is background in all of them, as it is in VITON's `image-parse`: skin that another neckline may cover must not
be kept from the photo.
"""

from enum import IntEnum
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8


class Parse(IntEnum):
    """What a pixel of a label file shows; 2 and 3 are unused."""

    BACKGROUND = 0
    HAIR = 1
    UPPER_CLOTHES = 4
    LEFT_SHOE = 5
    RIGHT_SHOE = 6
    NOISE = 7  # between garment and skin; counts as upper clothes
    PANTS = 8
    LEFT_LEG = 9
    RIGHT_LEG = 10
    LEFT_ARM = 11
    FACE = 12
    RIGHT_ARM = 13


class LabelTable(NamedTuple):
    """Which of the 14 labels each label of a data set becomes; label i of the data set is entry i."""

    name: str
    to_parse: UInt8[np.ndarray, " labels"]


def _table(name: str, labels: dict[str, Parse]) -> LabelTable:
    return LabelTable(name, np.array(list(labels.values()), np.uint8))


# LIP: look into person, Gong et al., CVPR 2017. Jumpsuits count as trousers and dresses as upper clothes, as in
# PF-AFN's data; gloves are of either hand and get the left arm's label; drawn body parts go to the arm they lie on.
_LIP = {
    "background": Parse.BACKGROUND,
    "hat": Parse.HAIR,
    "hair": Parse.HAIR,
    "glove": Parse.LEFT_ARM,
    "sunglasses": Parse.FACE,
    "upper clothes": Parse.UPPER_CLOTHES,
    "dress": Parse.UPPER_CLOTHES,
    "coat": Parse.UPPER_CLOTHES,
    "socks": Parse.LEFT_LEG,
    "pants": Parse.PANTS,
    "jumpsuits": Parse.PANTS,
    "scarf": Parse.UPPER_CLOTHES,
    "skirt": Parse.PANTS,
    "face": Parse.FACE,
    "left arm": Parse.LEFT_ARM,
    "right arm": Parse.RIGHT_ARM,
    "left leg": Parse.LEFT_LEG,
    "right leg": Parse.RIGHT_LEG,
    "left shoe": Parse.LEFT_SHOE,
    "right shoe": Parse.RIGHT_SHOE,
}
LIP = _table("LIP", _LIP | {"neck": Parse.BACKGROUND})  # an extra of VITON's `image-parse-new`
# CIHP: instance-level human parsing, Gong et al., ECCV 2018. It has the neck in the place of LIP's jumpsuits.
CIHP = _table("CIHP", _LIP | {"jumpsuits": Parse.BACKGROUND})
# Morelli et al., ECCV 2022
_DRESS_CODE = {
    "background": Parse.BACKGROUND,
    "hat": Parse.HAIR,
    "hair": Parse.HAIR,
    "sunglasses": Parse.FACE,
    "upper clothes": Parse.UPPER_CLOTHES,
    "skirt": Parse.PANTS,
    "pants": Parse.PANTS,
    "dress": Parse.UPPER_CLOTHES,
    "belt": Parse.PANTS,
    "left shoe": Parse.LEFT_SHOE,
    "right shoe": Parse.RIGHT_SHOE,
    "head": Parse.FACE,
    "left leg": Parse.LEFT_LEG,
    "right leg": Parse.RIGHT_LEG,
    "left arm": Parse.LEFT_ARM,
    "right arm": Parse.RIGHT_ARM,
    "bag": Parse.PANTS,  # stays as it is, like other clothes
    "scarf": Parse.UPPER_CLOTHES,
}
_LOWER_BODY = {  # the garment that changes is the lower one: it has the label of the garment worn, and tops stay
    "skirt": Parse.UPPER_CLOTHES,
    "pants": Parse.UPPER_CLOTHES,
    "upper clothes": Parse.PANTS,
    "scarf": Parse.PANTS,
}


def dress_code(category: str) -> LabelTable:
    """The table of "upper_body", "lower_body" or "dresses": the garment that changes becomes the upper clothes."""
    changed = _LOWER_BODY if category == "lower_body" else {}
    return _table("Dress Code", _DRESS_CODE | changed)
