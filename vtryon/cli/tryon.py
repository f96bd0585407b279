"""`vtryon tryon`: dress a person, or many; the arguments are checked before torch is loaded."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

EXPORTED = ".xml"  # of OpenVINO; its weights lie beside it


@dataclass(frozen=True)
class Request:
    """What to dress: one pair of photos, or a list of pairs in folders."""

    person: Path | None
    cloth: Path | None
    edge: Path | None
    pairs: Path | None
    images: Path | None
    cloths: Path | None
    edges: Path | None

    def check(self) -> None:
        """
        Raises:
            ValueError: arguments of both kinds, or too few of one.
            OSError: a file or folder that does not exist.
        """
        one_pair = {"--person": self.person, "--cloth": self.cloth}
        many_pairs = {"--pairs": self.pairs, "--images": self.images, "--cloths": self.cloths}
        if self.pairs is None:
            needed, unused, kind = one_pair, many_pairs | {"--edges": self.edges}, "one pair"
        else:
            needed, unused, kind = many_pairs, one_pair | {"--edge": self.edge}, "many pairs (--pairs)"
        wrong = [f"lacks {name}" for name, path in needed.items() if path is None]
        wrong += [f"has no use for {name}" for name, path in unused.items() if path is not None]
        if wrong:
            remedy = "give --person and --cloth, or --pairs, --images and --cloths"
            raise ValueError(f"{kind} {' and '.join(wrong)}; {remedy}")
        for name in ("pairs", "edge"):
            path = getattr(self, name)
            if path is not None and not path.is_file():
                raise FileNotFoundError(f"--{name} {path}: no such file")
        for name in ("images", "cloths", "edges"):
            path = getattr(self, name)
            if path is not None and not path.is_dir():
                raise NotADirectoryError(f"--{name} {path}: no such folder")

    def list_pairs(self, out: Path) -> list:
        """The pairs, each with the file of its result."""
        from vtryon.deploy.photo import check_suffix
        from vtryon.deploy.tryon import Pair, read_pairs

        if self.pairs is not None:
            return read_pairs(self.pairs, self.images, self.cloths, self.edges, out)
        check_suffix(out)
        return [Pair(self.person, self.cloth, self.edge, out)]


def tryon(
    out: Annotated[Path, typer.Option(help="Picture to write; with --pairs, the folder for them.")],
    person: Annotated[Path | None, typer.Option(help="Photo of a person, any size.")] = None,
    cloth: Annotated[Path | None, typer.Option(help="Photo of a garment on a plain backdrop, any size.")] = None,
    edge: Annotated[
        Path | None, typer.Option(help="The garment's mask, white on black; made from its photo when left out.")
    ] = None,
    pairs: Annotated[
        Path | None, typer.Option(help="List of many pairs, a line `person.jpg garment.jpg` each.")
    ] = None,
    images: Annotated[Path | None, typer.Option(help="With --pairs: folder of the persons.")] = None,
    cloths: Annotated[Path | None, typer.Option(help="With --pairs: folder of the garments.")] = None,
    edges: Annotated[
        Path | None, typer.Option(help="With --pairs: folder of the garments' masks, named as the garments.")
    ] = None,
    batch: Annotated[int, typer.Option(help="Pairs computed at once.")] = 4,
    run: Annotated[
        Path | None,
        typer.Option(
            help="The network: folder of a finished run, weight file, or exported .xml, for which no torch is loaded."
        ),
    ] = None,
    weights: Annotated[
        str | None, typer.Option(metavar="NAME", help="The network: weights that `vtryon weights` lists.")
    ] = None,
    warp: Annotated[Path | None, typer.Option(help="The network: released warp weights, .pth.")] = None,
    generator: Annotated[Path | None, typer.Option(help="And its released generator weights, .pth.")] = None,
    size: Annotated[
        tuple[int, int] | None, typer.Option(metavar="H W", help="Pixels. Default: what it was trained at.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    backend: Annotated[
        str | None, typer.Option(help="torch, compile, onnx or openvino. Default: torch; of an .xml file openvino.")
    ] = None,
    precision: Annotated[str, typer.Option(help="f32, bf16 or int8.")] = "f32",
    threads: Annotated[int | None, typer.Option(help="In all. Default: as many as torch takes.")] = None,
    streams: Annotated[int, typer.Option(help="Batches at the same time, onnx and openvino.")] = 1,
    strip: Annotated[
        bool, typer.Option("--strip", help="Also write NAME_strip.png: person, garment, mask, try-on.")
    ] = False,
    mask_method: Annotated[Literal["opencv", "rembg"], typer.Option(help="Maker of missing masks.")] = "opencv",
) -> int:
    """Dress a person: photos in, photo out.

    Exit code 1 where some pairs of a list failed.
    """
    request = Request(person, cloth, edge, pairs, images, cloths, edges)
    request.check()

    from vtryon.data.files.fingerprint import training_notice

    jobs = request.list_pairs(out)
    if weights is not None and run is not None:
        raise ValueError("name one network: --run or --weights")
    batch = min(batch, len(jobs))
    if run is not None and run.suffix == EXPORTED:
        for name, given in {"--warp": warp, "--generator": generator, "--size": size}.items():
            if given is not None:
                raise ValueError(f"{run} is an exported network, to which {name} does not belong; leave one out")
        if backend not in (None, "openvino") or device not in ("auto", "cpu"):
            raise ValueError(f"{run} runs in openvino on the cpu; leave --backend and --device out")
        stream, size, trained_on = _exported(run, precision, batch, threads, streams)
    else:
        stream, size, trained_on = _network(
            (run, weights, warp, generator, size, device), (backend or "torch", precision, batch, threads, streams)
        )
    if (notice := training_notice(trained_on)) is not None:
        print(f"vtryon tryon: {notice}", file=sys.stderr)
    failures = _dress(stream, jobs, size, batch, mask_method, strip)
    for failure in failures:
        print(f"vtryon tryon: {failure}", file=sys.stderr)
    return 1 if failures else 0


def _exported(file: Path, precision: str, batch: int, threads: int | None, streams: int) -> tuple:
    """The stream of an exported file, the size of its pictures and what it was trained on; without torch."""
    try:
        from vtryon.deploy.exported import open_exported
    except ImportError as error:
        raise ImportError(f'{error}; {file} needs: pip install "vtryon[deploy]"') from error
    exported = open_exported(file, precision, batch, threads, streams)
    return exported.runtime.stream, exported.size, exported.trained_on


def _network(named: tuple, runtime: tuple) -> tuple:
    """The same of a network that torch reads."""
    from vtryon.deploy.in_torch import stream_of
    from vtryon.deploy.runtime.opening import open_runtime
    from vtryon.deploy.source import open_net
    from vtryon.deploy.weights import find

    (run, weights, warp, generator, size, device), (backend, precision, batch, threads, streams) = named, runtime
    if run is None and warp is None and generator is None:
        run = find(weights).path
    net, size = open_net(run, warp, generator, size, device)
    source = net if precision != "int8" else _int8_source(net, run, backend)
    opened = open_runtime(source, backend, precision, size, batch, threads, streams)
    return stream_of(opened), size, net.trained_on


def _int8_source(net: Any, run: Path | None, backend: str) -> Any:
    """The exported int8 file of the run, where the backend reads one."""
    from vtryon.cli.export import TARGETS, default_file
    from vtryon.deploy.runtime.protocol import RuntimeUnfitError

    if backend not in TARGETS:
        return net
    if run is None:
        raise RuntimeUnfitError("--precision int8 reads the file of `vtryon export`, which is made of a --run")
    return default_file(run, backend, "int8")


def _dress(stream: Any, jobs: list, size: tuple[int, int], batch: int, mask_method: str, strip: bool) -> list[str]:
    """Dress all pairs under a progress bar; returns the errors of those that failed."""
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

    from vtryon.deploy.tryon import try_on_files

    columns = (*Progress.get_default_columns()[:-1], MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("try-on", total=len(jobs))
        return try_on_files(stream, jobs, size, batch, mask_method, strip, done=lambda: progress.advance(task))
