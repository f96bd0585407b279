"""A contact sheet of try-ons: one row a pair, one captioned column for each stage of the way to the picture."""

from collections.abc import Sequence
from typing import NamedTuple

from jaxtyping import Float, UInt8
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from vtryon.utils.image import to_uint8

_PAPER, _INK, _FAINT = (255, 255, 255), (38, 38, 38), (128, 128, 128)
_TILE = 160  # pixels: smaller pictures are enlarged by a whole factor to at least this height
_GAP = 8  # pixels


class Column(NamedTuple):
    """One stage: what stands above it, its pictures, and what stands under each of them."""

    caption: str
    pictures: UInt8[Tensor, "n 3 h w"]
    notes: Sequence[str] = ()


def strip(columns: Sequence[Column], title: str = "") -> Image.Image:
    """Lay the columns side by side on white, with their captions above and their notes under the tiles."""
    count, _, height, width = columns[0].pictures.shape
    factor = max(1, -(-_TILE // height))
    height, width = height * factor, width * factor
    font, note_font = _font(13), _font(11)
    head, foot = (
        (28 if title else 6) + 22,
        18 if any(column.notes for column in columns) else 0,
    )
    across = len(columns) * (width + _GAP) + _GAP
    sheet = Image.new("RGB", (across, head + count * (height + foot + _GAP)), _PAPER)
    draw = ImageDraw.Draw(sheet)
    if title:
        draw.text((_GAP, 16), title, fill=_INK, font=_font(15), anchor="lm")
    for column_index, column in enumerate(columns):
        left = _GAP + column_index * (width + _GAP)
        draw.text(
            (left + width / 2, head - 12),
            column.caption,
            fill=_INK,
            font=font,
            anchor="mm",
        )
        for row, picture in enumerate(column.pictures):
            top = head + row * (height + foot + _GAP)
            tile = Image.fromarray(picture.permute(1, 2, 0).cpu().contiguous().numpy())
            sheet.paste(tile.resize((width, height), Image.Resampling.NEAREST), (left, top))
            if column.notes:
                under = (left + width / 2, top + height + 10)
                draw.text(under, column.notes[row], fill=_FAINT, font=note_font, anchor="mm")
    return sheet


def on_white(picture: Float[Tensor, "n 3 h w"], opacity: Float[Tensor, "n 1 h w"]) -> UInt8[Tensor, "n 3 h w"]:
    """A picture in [-1, 1] over white paper, as a garment is shown that is 0 off its edge."""
    return to_uint8(picture * opacity + (1 - opacity))


def grey(mask: Float[Tensor, "n 1 h w"]) -> UInt8[Tensor, "n 3 h w"]:
    """A mask in [0, 1]: 1 white, 0 black."""
    return to_uint8(mask * 2 - 1).expand(-1, 3, -1, -1)


def _font(points: int) -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    return ImageFont.load_default(points)
