"""The app as a server: bound to one address, silent towards the network, and without a trace when it ends."""

import os
import signal
import socket
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from vtryon.deploy.app.networks import offered
from vtryon.utils.optional_dependencies import needed

QUIET = {  # read by Gradio and its parts when they are imported: nothing is sent or asked for
    "GRADIO_ANALYTICS_ENABLED": "False",
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
}
FONTS = ("system-ui", "sans-serif")  # the theme's own would be asked for


def serve(
    names: Sequence[str] = (),
    host: str = "127.0.0.1",
    port: int = 7860,
    limit_mib: float = 20,
    device: str = "auto",
) -> None:
    """Serve the app until it is interrupted.

    Args:
        names: of networks, as `vtryon.deploy.app.networks.offered` takes them.
        host: address to bind to; the default is reached from this machine alone.
        port: 0 takes a free one.
        limit_mib: larger files are refused.

    Raises:
        WeightsMissingError: there is no network.
        OSError: the address cannot be bound to.
        ImportError: Gradio is not installed.
    """
    if limit_mib <= 0:
        raise ValueError(f"limit_mib={limit_mib} must be above 0")
    networks = offered(names)
    with bound(host, port) as listener, tempfile.TemporaryDirectory(prefix="vtryon-app-") as folder:
        os.environ.update(QUIET | {"GRADIO_TEMP_DIR": f"{folder}/pictures"})
        with needed("the app", "app"):
            import gradio as gr
            import uvicorn
            from fastapi import FastAPI

            from vtryon.deploy.app.page import CSS, Page
        from vtryon.deploy.app.examples import draw_examples

        page = Page(networks, draw_examples(Path(folder) / "drawn"), device)
        app = gr.mount_gradio_app(
            FastAPI(openapi_url=None),
            page.blocks(),
            path="/",
            server_name=host,
            footer_links=[],
            run_history=False,
            show_error=True,
            max_file_size=int(limit_mib * 2**20),
            ssr_mode=False,
            enable_monitoring=False,
            pwa=False,
            mcp_server=False,
            theme=gr.themes.Default(font=FONTS, font_mono="monospace"),
            css=CSS,
        )
        address = listener.getsockname()
        print(f"vtryon app: http://{host}:{address[1]} with {', '.join(networks)}; Ctrl-C ends it", flush=True)
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # uvicorn raises a signal again once it has ended
        settings = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1)  # seconds; open pages hold on
        with suppress(KeyboardInterrupt):
            uvicorn.Server(settings).run(sockets=[listener])


def bound(host: str, port: int) -> socket.socket:
    """A socket that listens at the address alone: a browser that comes before the server is ready waits for it.

    Raises:
        OSError: naming the address and the remedy.
    """
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen()
        except OSError:
            listener.close()
            raise
    except OSError as error:
        raise OSError(f"{host}:{port} cannot be bound to ({error.strerror or error}); try another --port") from error
    return listener
