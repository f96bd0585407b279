"""The verb `vtryon tryon`: its arguments, checked before torch is loaded, and what it prints."""

import argparse
import sys
from pathlib import Path
from typing import Any


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    one = parser.add_argument_group("one pair")
    one.add_argument("--person", type=Path, help="photo of a person, any size")
    one.add_argument("--cloth", type=Path, help="photo of a garment on a plain backdrop, any size")
    one.add_argument(
        "--edge",
        type=Path,
        help="the garment's mask, white on black; made from its photo when left out",
    )
    many = parser.add_argument_group("many pairs")
    many.add_argument("--pairs", type=Path, help="list of pairs, a line `person.jpg garment.jpg` each")
    many.add_argument("--images", type=Path, help="folder of the persons")
    many.add_argument("--cloths", type=Path, help="folder of the garments")
    many.add_argument(
        "--edges",
        type=Path,
        help="folder of the garments' masks, named as the garments",
    )
    many.add_argument("--batch", type=int, default=4, help="pairs computed at once (%(default)s)")
    net = parser.add_argument_group("the network")
    net.add_argument("--run", type=Path, help="folder of a finished run")
    net.add_argument("--warp", type=Path, help="released warp weights, .pth")
    net.add_argument("--generator", type=Path, help="released generator weights, .pth")
    net.add_argument(
        "--size",
        type=int,
        nargs=2,
        metavar=("H", "W"),
        help="pixels; default: what it was trained at",
    )
    net.add_argument("--device", default="auto", help="auto, cpu or cuda (%(default)s)")
    run = parser.add_argument_group("how it is run")
    run.add_argument("--backend", default="torch", help="torch, compile, onnx or openvino (%(default)s)")
    run.add_argument("--precision", default="f32", help="f32, bf16 or int8 (%(default)s)")
    run.add_argument("--threads", type=int, help="in all; default: what torch takes")
    run.add_argument("--streams", type=int, default=1, help="batches at the same time, onnx and openvino (%(default)s)")
    out = parser.add_argument_group("the result")
    out.add_argument(
        "--out",
        type=Path,
        required=True,
        help="picture to write; with --pairs, the folder for them",
    )
    out.add_argument(
        "--strip",
        action="store_true",
        help="beside it, NAME_strip.png: person, garment, mask, try-on",
    )
    out.add_argument(
        "--mask-method",
        choices=("opencv", "rembg"),
        default="opencv",
        help="maker of missing masks",
    )


def main(args: argparse.Namespace) -> int:
    """Run the verb; 0 when every pair was dressed, 1 when some were not, 2 when the request itself is wrong."""
    try:
        _check(args)
        failures = _run(args)
    except (ValueError, OSError, ImportError) as error:
        print(f"vtryon tryon: {error}", file=sys.stderr)
        return 2
    for failure in failures:
        print(f"vtryon tryon: {failure}", file=sys.stderr)
    return 1 if failures else 0


def _check(args: argparse.Namespace) -> None:
    one = {"--person": args.person, "--cloth": args.cloth}
    many = {"--pairs": args.pairs, "--images": args.images, "--cloths": args.cloths}
    if args.pairs is None:
        wanted, barred, kind = one, many | {"--edges": args.edges}, "one pair"
    else:
        wanted, barred, kind = many, one | {"--edge": args.edge}, "many pairs (--pairs)"
    missing = [name for name, value in wanted.items() if value is None]
    surplus = [name for name, value in barred.items() if value is not None]
    if missing or surplus:
        wrong = [f"lacks {name}" for name in missing] + [f"has no use for {name}" for name in surplus]
        raise ValueError(f"{kind} {' and '.join(wrong)}; give --person and --cloth, or --pairs, --images and --cloths")
    for name in ("pairs", "edge"):
        if (path := getattr(args, name)) is not None and not path.is_file():
            raise FileNotFoundError(f"--{name} {path}: no such file")
    for name in ("images", "cloths", "edges"):
        if (path := getattr(args, name)) is not None and not path.is_dir():
            raise NotADirectoryError(f"--{name} {path}: no such folder")


def _run(args: argparse.Namespace) -> list[str]:
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

    from vtryon.deploy.photo import check_suffix
    from vtryon.deploy.source import open_net
    from vtryon.deploy.tryon import Pair, read_pairs, try_on_files

    if args.pairs is None:
        check_suffix(args.out)
        pairs = [Pair(args.person, args.cloth, args.edge, args.out)]
    else:
        pairs = read_pairs(args.pairs, args.images, args.cloths, args.edges, args.out)
    net, size = open_net(args.run, args.warp, args.generator, args.size and tuple(args.size), args.device)
    runtime = _runtime(args, net, size, min(args.batch, len(pairs)))
    columns = (
        *Progress.get_default_columns()[:-1],
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("try-on", total=len(pairs))
        return try_on_files(
            runtime,
            pairs,
            size,
            args.batch,
            args.mask_method,
            args.strip,
            done=lambda: progress.advance(task),
        )


def _runtime(args: argparse.Namespace, net: Any, size: tuple[int, int], batch: int) -> Any:
    from vtryon.deploy.export_command import TARGETS, default_file
    from vtryon.deploy.runtime import RuntimeUnfitError, open_runtime

    source = net
    if args.precision == "int8" and args.backend in TARGETS:
        if args.run is None:
            raise RuntimeUnfitError("--precision int8 reads the file of `vtryon export`, which is made of a --run")
        source = default_file(args.run, args.backend, "int8")
    return open_runtime(source, args.backend, args.precision, size, batch, args.threads, args.streams)
