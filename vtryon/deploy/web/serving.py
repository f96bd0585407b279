"""A static folder on a local port, with the two headers that let a page use threads."""

from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

HEADERS = {"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp"}

FILES = ("index.html", "model.json", "model.onnx")  # of a folder that was exported


class _IsolatedHandler(SimpleHTTPRequestHandler):
    extensions_map = SimpleHTTPRequestHandler.extensions_map | {  # some systems' tables say otherwise
        **{".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm"},
    }

    def end_headers(self) -> None:
        for name, value in HEADERS.items():
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Requests are not printed."""


def server(folder: Path, host: str = "127.0.0.1", port: int = 8000) -> ThreadingHTTPServer:
    """A server that is bound and not yet serving; port 0 takes a free one, `server_address` tells which.

    Raises:
        FileNotFoundError: the folder is not one of `vtryon export --to web`.
        OSError: the port is taken.
    """
    if absent := [name for name in FILES if not (folder / name).is_file()]:
        raise FileNotFoundError(f"{folder}: holds no {absent[0]}; make it with: vtryon export --run DIR --to web")
    try:
        return ThreadingHTTPServer((host, port), partial(_IsolatedHandler, directory=str(folder)))
    except OSError as error:
        raise OSError(f"{host}:{port} cannot be bound to ({error.strerror or error}); try another port") from error


def serve(folder: Path, host: str = "127.0.0.1", port: int = 8000) -> None:
    """Serve an exported folder until Ctrl-C; arguments and errors are those of `server`."""
    with server(folder, host, port) as running:
        print(f"http://{host}:{running.server_address[1]}/ shows {folder}; Ctrl-C stops it", flush=True)
        try:
            running.serve_forever()
        except KeyboardInterrupt:
            print()
