"""The verb `vtryon export`: a run's network as a file for another machine."""

import argparse
import sys
from pathlib import Path

TARGETS = ("jetson",)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("--run", type=Path, required=True, metavar="DIR", help="folder of a finished run")
    parser.add_argument("--to", choices=TARGETS, required=True, help="jetson: ONNX for TensorRT 8.2, and its runner")
    parser.add_argument("--precision", choices=("f32", "f16"), default="f32", help="of the weights (%(default)s)")
    parser.add_argument("--size", type=int, nargs=2, metavar=("H", "W"), help="pixels; default: what it was trained at")
    parser.add_argument("--out", type=Path, metavar="FILE.onnx", help="default: DIR/export/jetson_PRECISION.onnx")


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


def _run(args: argparse.Namespace) -> list[str]:
    from vtryon.deploy.source import open_net

    try:
        from vtryon.deploy.jetson import export_jetson
    except ImportError as error:
        raise ImportError(f'{error}; --to {args.to} needs: pip install "vtryon[deploy]"') from error

    net, size = open_net(args.run, size=args.size and tuple(args.size), device="cpu")
    out = args.out or args.run / "export" / f"jetson_{args.precision}.onnx"
    report = export_jetson(net, out, size, args.precision)
    parity, drift = report["parity_f32"], report["drift_f16"]["coordinates_f32"]
    return [
        f"{out}: {report['bytes'] / 2**20:.1f} MiB, opset {report['opset']}, {sum(report['operators'].values())} nodes",
        f"against torch: flow {parity['flow_max_px']:.2g} px, image {parity['image_max']:.2g}; "
        f"as f16: flow {drift['flow_max_px']:.2g} px, image {drift['image_max']:.2g}",
        f"beside it: {out.with_suffix('.json').name}, all that was checked, and on the board: {report['runner']}",
    ]
