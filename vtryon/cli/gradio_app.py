"""`vtryon app`: try-on in a browser."""

from pathlib import Path
from typing import Annotated

import typer


def app(
    networks: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NETWORK]...",
            help="Runs' folders, weight files or names of `vtryon weights`. Default: all weights and the demo's runs.",
        ),
    ] = None,
    web: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Serve a folder of `vtryon export --to web` instead, with threads."),
    ] = None,
    host: Annotated[str, typer.Option(help="0.0.0.0 lets others in, without a password.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="0 takes a free one.")] = 7860,
    limit_mib: Annotated[float, typer.Option(help="Larger files are refused.")] = 20,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
) -> None:
    """Try garments on in a browser.

    Photos, drawn people or a camera; up to three networks side by side. Nothing leaves this machine, and no picture is
    kept.
    """
    if web is not None:
        _serve_web(web, networks or [], host, port)
        return
    from vtryon.deploy.app.serving import serve

    serve(networks or [], host, port, limit_mib, device)


def _serve_web(folder: Path, networks: list[str], host: str, port: int) -> None:
    """The page brings its network along, and needs neither Gradio nor torch here."""
    if networks:
        raise ValueError(f"--web {folder}: its page has a network of its own; leave {' '.join(networks)} out")
    from vtryon.deploy.web.serving import serve

    serve(folder, host, port)
