"""Strips of try-ons over runs: one row a pair, one column a run (figures F9 to F13 of the Jetson project)."""

from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from vtryon.nn.atomic import atomic_write

_PAPER, _INK = (255, 255, 255), (38, 38, 38)
_TILE, _GAP, _HEAD = 160, 6, 36  # pixels: height that small pictures are enlarged to, between tiles, of the captions
_INPUTS = ("person", "cloth")
_LAST = ("teacher", "truth")


def splits(runs: Sequence[Path]) -> list[str]:
    """The splits of which every one of these run folders keeps pictures."""
    kept = [{place.name for place in (run / "pictures").glob("*") if place.is_dir()} for run in runs]
    return sorted(set.intersection(*kept)) if kept else []


def write_strip(runs: Sequence[tuple[str, Path]], split: str, path: str | Path) -> None:
    """Draw what each of `runs` (caption, folder) made of the pairs that all of them kept, inputs left, teacher right.

    Raises:
        ValueError: where no pair is common to all.
    """
    folders = [folder / "pictures" / split for _, folder in runs]
    pairs = sorted(set.intersection(*({pair.name for pair in folder.iterdir()} for folder in folders)))
    if not pairs:
        raise ValueError(f"{split}: no pair of which all {len(runs)} runs keep a picture; were their tests the same?")
    last = [name for name in _LAST if (folders[0] / pairs[0] / f"{name}.png").is_file()]
    columns = [
        *((name, [folders[0] / pair / f"{name}.png" for pair in pairs]) for name in _INPUTS),
        *((text, [at / pair / "try-on.png" for pair in pairs]) for (text, _), at in zip(runs, folders, strict=True)),
        *((name, [folders[0] / pair / f"{name}.png" for pair in pairs]) for name in last),
    ]
    with atomic_write(path) as temporary:
        _sheet(columns).save(temporary)


def _sheet(columns: Sequence[tuple[str, list[Path]]]) -> Image.Image:
    with Image.open(columns[0][1][0]) as one:
        factor = max(1, -(-_TILE // one.height))
        width, height = one.width * factor, one.height * factor
    size = (len(columns) * (width + _GAP) + _GAP, _HEAD + len(columns[0][1]) * (height + _GAP))
    sheet = Image.new("RGB", size, _PAPER)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(13)
    for place, (caption, files) in enumerate(columns):
        left = _GAP + place * (width + _GAP)
        text = caption.replace(" ", "\n", 1)
        draw.multiline_text((left + width / 2, _HEAD / 2), text, fill=_INK, font=font, anchor="mm", align="center")
        for row, file in enumerate(files):
            with Image.open(file) as tile:
                enlarged = tile.convert("RGB").resize((width, height), Image.Resampling.NEAREST)
            sheet.paste(enlarged, (left, _HEAD + row * (height + _GAP)))
    return sheet
