"""Figures F1 to F4: damage by block and share as heat maps and curves, and the try-ons as the published strips."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from vtryon.nn.atomic import atomic_write
from vtryon.report.figure import heat_map, sheet

Rows = Sequence[dict[str, str]]
MEASURES = {"mse": "MSE to unpruned, 8-bit", "ssim": "SSIM to unpruned", "fd_efficientnet": "Fréchet distance, effnet"}
FIGURES = {  # of the published project
    ("structured", "encoder"): "f1",
    ("structured", "decoder"): "f2",
    ("unstructured", "encoder"): "f3",
    ("unstructured", "decoder"): "f4",
}
_PAPER, _INK = (255, 255, 255), (38, 38, 38)
_TILE, _GAP, _LEFT, _HEAD = 128, 4, 84, 24  # pixels


def draw(rows: Rows, run: Path) -> dict[str, Any]:
    """Write RUN/figures/heat_*.png, curves_*.png and f1 to f4 (strips); returns what there is to say."""
    folder = run / "figures"
    for kind in _values(rows, "kind"):
        own = [row for row in rows if row["kind"] == kind]
        _heat(own, folder / f"heat_{kind}.png")
        _curves(own, folder / f"curves_{kind}.png")
        for choice in _values(own, "choice"):
            for way in ("encoder", "decoder"):
                blocks = [name for name in _values(own, "block") if name.startswith(way)]
                path = folder / f"{FIGURES[kind, way]}_{kind}_{way}_{choice}.jpg"
                _strip(run / "blocks" / f"{kind}-{choice}", blocks, _values(own, "share"), path)
    return _findings(rows)


def _findings(rows: Rows) -> dict[str, Any]:
    """Which single block does most damage, and which least, when it falls silent whole."""
    whole = {row["block"]: float(row["mse"]) for row in rows if row["block"][-1].isdigit() and float(row["share"]) == 1}
    if not whole:
        return {}
    worst, mildest = max(whole, key=whole.get), min(whole, key=whole.get)
    return {"worst_block": worst, "its_mse": whole[worst], "mildest_block": mildest, "mildest_mse": whole[mildest]}


def _heat(rows: Rows, path: Path) -> None:
    """A panel for each way to choose and each measure: block by share."""
    choices, blocks, shares = (_values(rows, key) for key in ("choice", "block", "share"))
    with sheet(path, len(choices), len(MEASURES), (11, 3.6 * len(choices))) as axes:
        for line, choice in zip(axes, choices, strict=True):
            for panel, (measure, title) in zip(line, MEASURES.items(), strict=True):
                cells = [[_of(rows, choice, block, share, measure) for share in shares] for block in blocks]
                colours = {"cmap": "viridis"} if measure == "ssim" else {"cmap": "viridis_r", "norm": "symlog"}
                heat_map(panel, cells, blocks, [f"{float(share):.0%}" for share in shares], **colours)
                panel.set_title(f"{title}\n{choice}", fontsize=8)


def _curves(rows: Rows, path: Path) -> None:
    """A line a block."""
    choices, blocks, shares = (_values(rows, key) for key in ("choice", "block", "share"))
    with sheet(path, len(choices), len(MEASURES), (11, 3 * len(choices))) as axes:
        for line, choice in zip(axes, choices, strict=True):
            for panel, (measure, title) in zip(line, MEASURES.items(), strict=True):
                for block in blocks:
                    heights = [_of(rows, choice, block, share, measure) for share in shares]
                    style = "-" if block.startswith("encoder") else "--"
                    panel.plot([float(share) for share in shares], heights, style, marker=".", lw=1, label=block)
                panel.set_title(f"{title}, {choice}", fontsize=8)
                panel.set_xlabel("share silenced", fontsize=7)
                panel.tick_params(labelsize=7)
                panel.grid(visible=True, alpha=0.3)
        axes[0][-1].legend(fontsize=5, ncols=2)


def _strip(pictures: Path, blocks: Sequence[str], shares: Sequence[str], path: Path) -> None:
    """A line a block, a column a share: the try-on of the first pair."""
    with Image.open(pictures / blocks[0] / f"{float(shares[0]):g}.png") as one:
        factor = max(1, _TILE // one.height)
        width, height = one.width * factor, one.height * factor
    size = (_LEFT + len(shares) * (width + _GAP), _HEAD + len(blocks) * (height + _GAP))
    whole = Image.new("RGB", size, _PAPER)
    pen, font = ImageDraw.Draw(whole), ImageFont.load_default(13)
    for x, share in enumerate(shares):
        middle = _LEFT + x * (width + _GAP) + width / 2
        pen.text((middle, _HEAD / 2), f"{float(share):.0%}", fill=_INK, font=font, anchor="mm")
    for y, block in enumerate(blocks):
        top = _HEAD + y * (height + _GAP)
        pen.text((_LEFT - 8, top + height / 2), block, fill=_INK, font=font, anchor="rm")
        for x, share in enumerate(shares):
            with Image.open(pictures / block / f"{float(share):g}.png") as tile:
                enlarged = tile.resize((width, height), Image.Resampling.NEAREST)
            whole.paste(enlarged, (_LEFT + x * (width + _GAP), top))
    with atomic_write(path) as temporary:
        whole.save(temporary, quality=88)


def _values(rows: Rows, key: str) -> list[str]:
    """What stands in a column, each once, in order."""
    return list(dict.fromkeys(row[key] for row in rows))


def _of(rows: Rows, choice: str, block: str, share: str, measure: str) -> float:
    wanted: dict[str, Any] = {"choice": choice, "block": block, "share": share}
    (row,) = (row for row in rows if all(row[key] == value for key, value in wanted.items()))
    return float(row[measure])
