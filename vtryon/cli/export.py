"""`vtryon export`: a run's network as a file for another runtime or another machine."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

TARGETS = {"onnx": ".onnx", "openvino": ".xml", "jetson": ".onnx", "web": ""}  # and how their files end; a folder


def export(
    run: Annotated[Path, typer.Option(metavar="DIR", help="Folder of a finished run, or a weight file.")],
    to: Annotated[
        Literal["onnx", "openvino", "jetson", "web"],
        typer.Option(help="jetson: ONNX for TensorRT 8.2, and its runner. web: a folder with a page that runs it."),
    ],
    precision: Annotated[Literal["f32", "f16", "int8"], typer.Option(help="int8: features as well.")] = "f32",
    size: Annotated[
        tuple[int, int] | None, typer.Option(metavar="H W", help="Pixels. Default: what it was trained at.")
    ] = None,
    batch: Annotated[
        int | None, typer.Option(metavar="N", help="Pictures at a time, fixed. Default: any number.")
    ] = None,
    calibrate: Annotated[
        Path | None,
        typer.Option(metavar="ROOT", help="Folder for int8. Default: the run's data, else procedural pictures."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Default: DIR/export/TARGET_PRECISION.onnx or .xml; of web, that folder."),
    ] = None,
    package: Annotated[
        Path | None, typer.Option(metavar="TGZ", help="web: the npm package of onnxruntime-web. Default: from npm.")
    ] = None,
) -> None:
    """Write a network for another machine.

    No file is left where it cannot be made, or does not agree with torch.
    """
    from vtryon.deploy.source import open_net

    if package is not None and to != "web":
        raise ValueError(f"--package is for --to web, and this is {to}")
    if calibrate is not None and precision != "int8":
        raise ValueError(f"--calibrate is for --precision int8, and this is {precision}")
    file = out or default_file(run, to, precision)
    net, size = open_net(run, size=size, device="cpu")
    try:
        if to == "jetson":
            report = _jetson(net, size, file, precision, batch, calibrate)
        elif to == "web":
            report = _web(net, size, file, precision, batch, calibrate, run, package)
        else:
            report = _runtime(net, size, file, to, precision, batch, calibrate, run)
    except ImportError as error:
        raise ImportError(f'{error}; --to {to} needs: pip install "vtryon[deploy]"') from error
    for line in report:
        print(line)


def default_file(run: Path, target: str, precision: str) -> Path:
    """Where a run's file for a target lies unless it is asked for elsewhere."""
    return (run.parent if run.is_file() else run) / "export" / f"{target}_{precision}{TARGETS[target]}"


def _runtime(
    net: Any,
    size: tuple[int, int],
    out: Path,
    target: str,
    precision: str,
    batch: int | None,
    calibrate: Path | None,
    run: Path,
) -> list[str]:
    from vtryon.deploy.export.exporting import export as export_file

    if out.suffix != TARGETS[target]:
        raise ValueError(f"--out {out}: a file for {target} ends in {TARGETS[target]}")
    checks = export_file(net, out, size, precision, batch, run=run, data=calibrate)["checks"]
    differences, kinds = checks["against_torch"], checks["convolutions"]
    how = f"to use it: vtryon tryon --run {out} --person me.jpg --cloth shirt.jpg --out me_in_it.png"
    return [
        f"{out}: {checks['mib']:.1f} MiB, {sum(checks['operators'].values())} operators, "
        f"convolutions {', '.join(f'{count} {kind}' for kind, count in kinds.items())}",
        f"against torch: image at most {differences['image_max']:.2g} off, SSIM {differences['ssim']:.4f} and "
        f"{differences['ssim_worst']:.4f} at worst ({differences['worst_pair']}), "
        f"flow at most {differences['flow_max_px']:.2g} px",
        f"judged on {differences['pairs']} pairs of {differences['of']}",
        f"beside it: {out.name}.json, the model's card and all that was checked",
        *([how] if target == "openvino" else []),
    ]


def _web(
    net: Any,
    size: tuple[int, int],
    out: Path,
    precision: str,
    batch: int | None,
    calibrate: Path | None,
    run: Path,
    package: Path | None,
) -> list[str]:
    from vtryon.deploy.export.known_data import known_pairs
    from vtryon.deploy.web.exporting import export_web
    from vtryon.models.quantized.network import Int8TryOnNet

    if batch not in (None, 1):
        raise ValueError("--to web makes a page for one picture at a time, without --batch")
    ranged = precision == "int8" and not isinstance(net, Int8TryOnNet)
    pairs = known_pairs(net, size, run, calibrate).calibration if ranged else None
    report = export_web(net, out, size, precision, pairs, run, package)
    differences, version = report["against_torch"], report["onnxruntime_web"]["version"]
    return [
        f"{out}: a network of {report['bytes'] / 1e6:.1f} MB and onnxruntime-web {version}, to be served as it is",
        f"against torch: image at most {differences['image_max']:.2g} off, "
        f"flow at most {differences['flow_max_px']:.2g} px",
        f"to see it: python -m http.server --directory {out} --bind 127.0.0.1",
    ]


def _jetson(
    net: Any, size: tuple[int, int], out: Path, precision: str, batch: int | None, calibrate: Path | None
) -> list[str]:
    from vtryon.deploy.jetson.exporting import export_jetson

    if batch not in (None, 1) or calibrate is not None:
        raise ValueError("--to jetson makes files for one picture at a time, and knows no --calibrate")
    report = export_jetson(net, out, size, precision)
    parity, drift = report["parity_f32"], report["drift_f16"]["coordinates_f32"]
    return [
        f"{out}: {report['bytes'] / 2**20:.1f} MiB, opset {report['opset']}, {sum(report['operators'].values())} nodes",
        f"against torch: flow {parity['flow_max_px']:.2g} px, image {parity['image_max']:.2g}; "
        f"as f16: flow {drift['flow_max_px']:.2g} px, image {drift['image_max']:.2g}",
        f"beside it: {out.with_suffix('.json').name}, all that was checked, and on the board: {report['runner']}",
    ]
