"""The verb `vtryon export`: a run's network as a file for another runtime or another machine."""

import argparse
import sys
from pathlib import Path
from typing import Any

TARGETS = {"onnx": ".onnx", "openvino": ".xml", "jetson": ".onnx"}  # and how their files end


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("--run", type=Path, required=True, metavar="DIR", help="folder of a finished run")
    parser.add_argument("--to", choices=TARGETS, required=True, help="jetson: ONNX for TensorRT 8.2, and its runner")
    parser.add_argument(
        "--precision", choices=("f32", "f16", "int8"), default="f32", help="int8: features as well (%(default)s)"
    )
    parser.add_argument("--size", type=int, nargs=2, metavar=("H", "W"), help="pixels; default: what it was trained at")
    parser.add_argument("--batch", type=int, metavar="N", help="pictures at a time, fixed; default: any number")
    parser.add_argument(
        "--calibrate", type=Path, metavar="ROOT", help="VITON folder for int8; default: procedural pictures"
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="default: DIR/export/TARGET_PRECISION.onnx or .xml")


def main(args: argparse.Namespace) -> int:
    """Run the verb; 2 when it cannot be done, and then no file is left."""
    try:
        report = _run(args)
    except (ValueError, OSError, ImportError) as error:
        print(f"vtryon export: {error}", file=sys.stderr)
        return 2
    for line in report:
        print(line)
    return 0


def default_file(run: Path, target: str, precision: str) -> Path:
    """Where a run's file for a target lies unless it is asked for elsewhere."""
    return run / "export" / f"{target}_{precision}{TARGETS[target]}"


def _run(args: argparse.Namespace) -> list[str]:
    from vtryon.deploy.source import open_net

    out = args.out or default_file(args.run, args.to, args.precision)
    net, size = open_net(args.run, size=args.size and tuple(args.size), device="cpu")
    try:
        return (_jetson if args.to == "jetson" else _engine)(args, net, size, out)
    except ImportError as error:
        raise ImportError(f'{error}; --to {args.to} needs: pip install "vtryon[deploy]"') from error


def _engine(args: argparse.Namespace, net: Any, size: tuple[int, int], out: Path) -> list[str]:
    from vtryon.deploy.calibration import calibration_pairs
    from vtryon.deploy.export import export

    if out.suffix != TARGETS[args.to]:
        raise ValueError(f"--out {out}: a file for {args.to} ends in {TARGETS[args.to]}")
    if args.calibrate is not None and args.precision != "int8":  # told before a folder is read
        raise ValueError(f"--calibrate is for --precision int8, and this is {args.precision}")
    pairs = None if args.calibrate is None else calibration_pairs(args.calibrate, size)
    checks = export(net, out, size, args.precision, args.batch, pairs, args.run)["checks"]
    apart, kinds = checks["against_torch"], checks["convolutions"]
    return [
        f"{out}: {checks['mib']:.1f} MiB, {sum(checks['operators'].values())} operators, "
        f"convolutions {', '.join(f'{count} {kind}' for kind, count in kinds.items())}",
        f"against torch: image at most {apart['image_max']:.2g} off, SSIM {apart['ssim']:.4f}, "
        f"flow at most {apart['flow_max_px']:.2g} px",
        f"beside it: {out.with_suffix('.json').name}, the model's card and all that was checked",
    ]


def _jetson(args: argparse.Namespace, net: Any, size: tuple[int, int], out: Path) -> list[str]:
    from vtryon.deploy.jetson import export_jetson

    if args.batch not in (None, 1) or args.calibrate is not None:
        raise ValueError("--to jetson makes files for one picture at a time, and knows no --calibrate")
    report = export_jetson(net, out, size, args.precision)
    parity, drift = report["parity_f32"], report["drift_f16"]["coordinates_f32"]
    return [
        f"{out}: {report['bytes'] / 2**20:.1f} MiB, opset {report['opset']}, {sum(report['operators'].values())} nodes",
        f"against torch: flow {parity['flow_max_px']:.2g} px, image {parity['image_max']:.2g}; "
        f"as f16: flow {drift['flow_max_px']:.2g} px, image {drift['image_max']:.2g}",
        f"beside it: {out.with_suffix('.json').name}, all that was checked, and on the board: {report['runner']}",
    ]
