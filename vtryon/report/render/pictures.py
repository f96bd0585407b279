"""Try-ons for a page: one row a pair, one column a network, the pairs that lost most SSIM first."""

import base64
import io
from pathlib import Path
from typing import NamedTuple

import pandas as pd
from PIL import Image

from vtryon.report.figures.strips import columns_of, common_pairs
from vtryon.report.papers.exhibit import Exhibit
from vtryon.report.tables.reproduction import Reproduction
from vtryon.report.tables.rows import with_seeds

MOST, WORST = 8, 12  # columns of a strip, networks whose worst case is listed
COMMITTED = ("strip*.jpg", "f[1-4]_*.jpg")  # below experiments/EXHIBIT
HEIGHT = 128  # pixels that small pictures are enlarged to
PAIR = ["split", "person", "cloth"]


class Strip(NamedTuple):
    """The try-ons of one split."""

    split: str
    is_ranked: bool  # by the SSIM that was lost
    heads: list[str]
    rows: list[tuple[str, list[str]]]  # name of the pair, pictures as data URIs


def strips(report: Reproduction) -> list[Strip]:
    """A strip for each split of which the runs that are here keep pictures of the same pairs."""
    runs = []
    names = with_seeds(list(report.runs["label"]), list(report.runs["seed"]))
    for name, (_, row) in zip(names, report.runs.iterrows(), strict=True):
        is_dense = report.exhibit.command and row["name"] == "student"
        if row["folder"] is not None and not is_dense and (row["folder"] / "pictures").is_dir():
            runs.append((name, row["folder"]))
    runs = runs[:: -(-len(runs) // MOST)] if runs else []
    filled = []
    for split in report.exhibit.pictures:
        having = [run for run in runs if (run[1] / "pictures" / split).is_dir()]
        pairs = common_pairs([folder for _, folder in having], split)
        if pairs:
            filled.append(_strip(split, having, pairs, ssim_drops(report)))
    return filled


def _strip(split: str, runs: list[tuple[str, Path]], pairs: list[str], drops: pd.DataFrame) -> Strip:
    lost = drops[drops["split"] == split]
    means = lost.groupby(lost["person"] + "__" + lost["cloth"])["lost"].mean()
    rows = []
    for pair in sorted(pairs, key=lambda pair: -means.get(pair, 0)):
        change = f", SSIM {-means[pair]:+.3f}" if pair in means else ""
        pictures = [data_uri(file, HEIGHT) for _, file in columns_of(runs, split, pair)]
        rows.append((pair.replace("__", " in ") + change, pictures))
    heads = [caption for caption, _ in columns_of(runs, split, pairs[0])]
    return Strip(split, bool(len(means)), heads, rows)


def committed_strips(exhibit: Exhibit, experiments: Path) -> list[tuple[str, str]]:
    """(FOLDER/FILE, data URI) of the pictures of an earlier run, kept in `experiments`."""
    files = [file for pattern in COMMITTED for file in sorted((experiments / exhibit.folder).glob(pattern))]
    return [(f"{file.parent.name}/{file.name}", data_uri(file, quality=70)) for file in files] if exhibit.folder else []


def analysis_figures(report: Reproduction) -> list[tuple[str, str]]:
    """(caption, data URI) of what analyses among the runs have drawn."""
    folders = report.runs["folder"].dropna() if not report.exhibit.command else []
    files = [file for folder in folders for file in sorted((folder / "figures").glob("*.png"))]
    return [(f"{file.stem}, drawn by {file.parents[1].name}", data_uri(file, quality=90)) for file in files]


def worst_cases(report: Reproduction) -> list[list[str]]:
    """Of each network the tested pair whose SSIM fell most from the unpruned one's, the worst networks first.

    Each is a list of network, split, person, garment and drop.
    """
    ranked = ssim_drops(report).sort_values("lost", ascending=False)
    worst = ranked.drop_duplicates("label").head(WORST)
    return [[*map(str, row[:-1]), f"-{row[-1]:.3f}"] for row in worst[["label", *PAIR, "lost"]].itertuples(index=False)]


def ssim_drops(report: Reproduction) -> pd.DataFrame:
    """The SSIM that each pair of each run lost against the baseline: columns label, split, person, cloth, lost."""
    folder_of_dense = report.baseline["folder"].iloc[0] if len(report.baseline) else None
    dense = _samples(folder_of_dense)
    tables = [pd.DataFrame(columns=["label", *PAIR, "lost"])]
    names = with_seeds(list(report.runs["label"]), list(report.runs["seed"]))
    for label, folder in zip(names, report.runs["folder"], strict=True):
        if folder != folder_of_dense and len(dense):
            joined = dense.merge(_samples(folder), on=PAIR, suffixes=("_dense", ""))
            lost = joined.assign(label=label, lost=joined["ssim_dense"] - joined["ssim"])
            tables.append(lost[["label", *PAIR, "lost"]])
    filled = [table for table in tables if len(table)]
    return pd.concat(filled, ignore_index=True) if filled else tables[0]


def _samples(folder: Path | None) -> pd.DataFrame:
    """SSIM of each tested pair, where the truth is known."""
    file = folder / "samples.csv" if folder is not None else None
    if file is None or not file.is_file():
        return pd.DataFrame(columns=[*PAIR, "ssim"])
    samples = pd.read_csv(file, dtype={"person": str, "cloth": str})
    return samples.loc[samples["split"].isin(["paired", "unpaired"]), [*PAIR, "ssim"]].dropna()


def data_uri(file: Path, height: int = 0, quality: int = 80) -> str:
    """A picture as JPEG within the page, enlarged by a whole factor to about `height` pixels."""
    with Image.open(file) as picture:
        image = picture.convert("RGB")
    factor = max(1, round(height / image.height))
    if factor > 1:
        image = image.resize((image.width * factor, image.height * factor), Image.Resampling.BICUBIC)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"
