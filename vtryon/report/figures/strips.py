"""Sheets of try-ons: a row a pair or block, a column a run or share (figures F1 to F4 and F9 to F13)."""

from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from vtryon.utils.atomic import atomic_write

PAPER, INK = (255, 255, 255), (38, 38, 38)
TILE, GAP, HEAD, LEFT = 160, 6, 36, 84  # pixels: height that small pictures are enlarged to, gaps, room for captions
LINE = 17  # pixels of a caption
INPUTS = ("person", "cloth")
REFERENCES = ("teacher", "truth")


def splits(runs: Sequence[Path]) -> list[str]:
    """The splits of which every one of these run folders keeps pictures."""
    names = [{folder.name for folder in (run / "pictures").glob("*") if folder.is_dir()} for run in runs]
    return sorted(set.intersection(*names)) if names else []


def common_pairs(runs: Sequence[Path], split: str) -> list[str]:
    """The pairs of a split of which every one of these run folders keeps pictures, by name."""
    pairs = [{pair.name for pair in (run / "pictures" / split).glob("*")} for run in runs]
    return sorted(set.intersection(*pairs)) if pairs else []


def columns_of(runs: Sequence[tuple[str, Path]], split: str, pair: str) -> list[tuple[str, Path]]:
    """(caption, file) of a pair's pictures: inputs, the try-on of each run (caption, folder), teacher or truth."""
    first = runs[0][1] / "pictures" / split / pair
    columns = [(name, first / f"{name}.png") for name in INPUTS]
    columns += [(caption, folder / "pictures" / split / pair / "try-on.png") for caption, folder in runs]
    return columns + [(name, first / f"{name}.png") for name in REFERENCES if (first / f"{name}.png").is_file()]


def write_strip(runs: Sequence[tuple[str, Path]], split: str, path: str | Path) -> None:
    """Write the try-ons of each of `runs` (caption, folder), a row for each pair of which all keep pictures.

    Raises:
        ValueError: where no pair is common to all.
    """
    pairs = common_pairs([folder for _, folder in runs], split)
    if not pairs:
        raise ValueError(f"{split}: no pair of which all {len(runs)} runs keep a picture; were their tests the same?")
    rows = [columns_of(runs, split, pair) for pair in pairs]
    captions = [caption.replace(" ", "\n", 1) for caption, _ in rows[0]]
    with atomic_write(path) as temporary:
        picture_sheet([[file for _, file in row] for row in rows], captions).save(temporary)


def picture_sheet(files: Sequence[Sequence[Path]], above: Sequence[str], left: Sequence[str] = ()) -> Image.Image:
    """Pictures of equal size in rows and columns.

    Args:
        files: of each row.
        above: captions of the columns.
        left: captions of the rows; without any there is no room for them.
    """
    with Image.open(files[0][0]) as first:
        factor = max(1, -(-TILE // first.height))  # whole, so that pixels stay square
        width, height = first.width * factor, first.height * factor
    margin, font = LEFT if left else 0, ImageFont.load_default(13)
    captions = [_wrapped(caption, width, font) for caption in above]
    head = max(HEAD, LINE * (2 + max(caption.count("\n") for caption in captions)))
    size = (margin + len(above) * (width + GAP) + GAP, head + len(files) * (height + GAP))
    sheet = Image.new("RGB", size, PAPER)
    draw = ImageDraw.Draw(sheet)
    for column, caption in enumerate(captions):
        middle = margin + GAP + column * (width + GAP) + width / 2
        draw.multiline_text((middle, head / 2), caption, fill=INK, font=font, anchor="mm", align="center")
    for row, line in enumerate(files):
        top = head + row * (height + GAP)
        if left:
            draw.text((margin - 4, top + height / 2), left[row], fill=INK, font=font, anchor="rm")
        for column, file in enumerate(line):
            with Image.open(file) as tile:
                enlarged = tile.convert("RGB").resize((width, height), Image.Resampling.NEAREST)
            sheet.paste(enlarged, (margin + GAP + column * (width + GAP), top))
    return sheet


def _wrapped(caption: str, width: int, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> str:
    """The caption in lines that are no wider than its column, as far as its words allow."""
    lines: list[str] = []
    for given in caption.split("\n"):
        lines.append("")
        for word in given.split(" "):
            longer = f"{lines[-1]} {word}".strip()
            if lines[-1] and font.getlength(longer) > width:
                lines.append(word)
            else:
                lines[-1] = longer
    return "\n".join(lines)
