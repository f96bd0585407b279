"""`vtryon report`: the rows of finished runs as a table on the terminal, as CSV, and their try-ons side by side."""

import argparse
import sys
from pathlib import Path

from rich.console import Console

from vtryon.report.front import COSTS, front, with_front
from vtryon.report.rows import label, read_rows, run_folders, write_csv
from vtryon.report.strips import splits, write_strip
from vtryon.report.terminal import table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("runs", type=Path, nargs="+", help="folders of runs, or of sweeps")
    parser.add_argument("--out", type=Path, help="write measured.csv and strip_SPLIT.png there")
    parser.add_argument(
        "--upload", action="store_true", help="send offline runs, tables, workspace and reports to wandb"
    )
    parser.add_argument("--entity", help="wandb's, for --upload (the account's own)")
    parser.add_argument("--project", default="vtryon", help="wandb's, for --upload (%(default)s)")
    parser.set_defaults(verb=main)


def main(args: argparse.Namespace) -> int:
    try:
        rows = with_front(read_rows(*args.runs))
        Console().print(table(rows))
        for cost in COSTS:
            if len(rows) > 2 and (best := front(rows, cost)):
                Console().print(f"front by {cost} and SSIM: {', '.join(best)}", highlight=False)
        if args.out is not None:
            write_csv(rows, args.out / "measured.csv")
            _write_strips(rows, run_folders(*args.runs), args.out)
    except (FileNotFoundError, ValueError) as error:
        print(f"vtryon report: {error}", file=sys.stderr)
        return 2
    return 0


def _write_strips(rows: list, folders: list[Path], out: Path) -> None:
    runs = [(label(row), folder) for row, folder in zip(rows, folders, strict=True) if (folder / "pictures").is_dir()]
    for split in splits([folder for _, folder in runs]):
        write_strip(runs, split, out / f"strip_{split}.png")
