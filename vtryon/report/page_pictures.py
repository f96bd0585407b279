"""Try-ons of the page: one row a pair, one column a network, the pairs that lost most SSIM first."""

import base64
import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from PIL import Image

from vtryon.report.markup import Markup, empty, joined, tag
from vtryon.report.measured import Measured
from vtryon.report.page_tables import table
from vtryon.report.reproduction import Reproduction
from vtryon.report.rows import label

INPUTS = ("person", "cloth")
MOST, WORST = 8, 5  # columns of a strip, cases listed
DRAWN = ("f1", "f2", "f3", "f4")  # strips that an analysis draws
HEIGHT = 128  # pixels that small pictures are enlarged to

Scores = Mapping[tuple[str, str], float]  # (person, cloth) → SSIM


def pictures(one: Reproduction, experiments: Path) -> Markup:
    """Strips of the runs that are there; else the committed ones."""
    start = one.rows.get("baseline", [None])[0]
    runs = [of for key, rows in one.rows.items() if key.endswith("@demo") for of in rows if _kept(of)]
    strips = [_strip(split, runs[:: -(-len(runs) // MOST)], start) for split in one.exhibit.pictures] if runs else []
    if not strips:
        kept = sorted((experiments / one.exhibit.folder).glob("*.jpg"))
        strips = [_committed(file) for file in kept if file.name[:5] == "strip" or file.name[:2] in DRAWN]
    return tag("div", tag("h3", "Try-ons"), *strips) if strips else Markup()


def worst(one: Reproduction) -> Markup:
    """The pairs of all that were tested whose SSIM fell most from the unpruned network's."""
    start = one.rows.get("baseline", [None])[0]
    if start is None or start.folder is None:
        return Markup()
    cases = []
    for of in (of for key, rows in one.rows.items() if key.endswith("@demo") for of in rows if of.folder):
        for split in ("paired", "unpaired"):
            drops = drop(ssim(start.folder, split), ssim(of.folder, split))
            cases += [(lost, label(of.row), split, *pair) for pair, lost in drops.items()]
    listed = sorted(cases, reverse=True)[:WORST]
    if not listed:
        return Markup()
    rows = [[name, split, person, cloth, f"-{lost:.3f}"] for lost, name, split, person, cloth in listed]
    heads = ["network", "split", "person", "garment", "SSIM lost"]
    return joined([tag("h3", "Worst cases"), table(f"{one.exhibit.title}: worst cases by SSIM drop", heads, rows)])


def ssim(folder: Path, split: str) -> Scores:
    """SSIM of each pair, where the truth is known."""
    file = folder / "samples.csv"
    if not file.is_file():
        return {}
    with file.open(newline="") as opened:
        lines = [line for line in csv.DictReader(opened) if line["split"] == split and line["ssim"]]
    return {(line["person"], line["cloth"]): float(line["ssim"]) for line in lines}


def drop(before: Scores, after: Scores) -> dict[tuple[str, str], float]:
    """What each pair lost."""
    return {pair: before[pair] - score for pair, score in after.items() if pair in before}


def _kept(of: Measured) -> bool:
    return of.folder is not None and (of.folder / "pictures").is_dir()


def _strip(split: str, runs: Sequence[Measured], start: Measured | None) -> Markup:
    folders = [of.folder / "pictures" / split for of in runs]
    pairs = set.intersection(*({place.name for place in folder.glob("*")} for folder in folders))
    if not pairs:
        return Markup()
    lost = {pair: _lost(pair, split, runs, start) for pair in pairs}
    ordered = sorted(pairs, key=lambda pair: -(lost[pair] or 0))
    last = [name for name in ("teacher", "truth") if (folders[0] / ordered[0] / f"{name}.png").is_file()]
    heads = ["pair", *INPUTS, *(label(of.row) for of in runs), *last]
    rows = []
    for pair in ordered:
        at = [*((folders[0] / pair / f"{name}.png", name) for name in INPUTS)]
        at += [(folder / pair / "try-on.png", label(of.row)) for folder, of in zip(folders, runs, strict=True)]
        at += [(folders[0] / pair / f"{name}.png", name) for name in last]
        text = pair.replace("__", " in ") + (f", SSIM {-lost[pair]:+.3f}" if lost[pair] is not None else "")
        rows.append([text, *(_tile(file, f"{name}, {pair}") for file, name in at)])
    return joined(
        [
            tag("p", f"{split} pairs, those that lost most SSIM first:", class_="note"),
            table(f"try-ons, {split}", heads, rows, "strip"),
        ]
    )


def _lost(pair: str, split: str, runs: Sequence[Measured], start: Measured | None) -> float | None:
    """Mean over the runs."""
    if start is None or start.folder is None:
        return None
    key = tuple(pair.split("__"))
    found = [d for of in runs if (d := drop(ssim(start.folder, split), ssim(of.folder, split)).get(key)) is not None]
    return sum(found) / len(found) if found else None


def _tile(file: Path, text: str) -> Markup:
    with Image.open(file) as picture:
        tile = picture.convert("RGB")
        factor = max(1, round(HEIGHT / tile.height))
        large = tile.resize((tile.width * factor, tile.height * factor), Image.Resampling.BICUBIC)
    return tag("td", empty("img", src=_data(large), alt=text, loading="lazy"))


def _committed(file: Path) -> Markup:
    with Image.open(file) as picture:
        image = empty(
            "img", src=_data(picture.convert("RGB"), 70), alt=f"try-ons, {file.stem}", class_="whole", loading="lazy"
        )
    inside = tag("div", image, class_="scroll", tabindex=0, role="region", aria_label=f"strip {file.stem}")
    caption = tag("figcaption", f"experiments/{file.parent.name}/{file.name}, of an earlier run")
    return tag("figure", inside, caption)


def _data(picture: Image.Image, quality: int = 80) -> str:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"
