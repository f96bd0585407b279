"""`vtryon app --web DIR` as a user starts it: asked by real requests, and wrong folders refused in one line."""

import os
import socket
import subprocess
import sys
import urllib.request

import pytest

from vtryon.cli import main
from vtryon.deploy.web.serving import FILES


@pytest.fixture
def exported(tmp_path):
    folder = tmp_path / "web"
    (folder / "onnxruntime-web").mkdir(parents=True)
    for name in FILES:
        (folder / name).write_text(f"content of {name}")
    (folder / "onnxruntime-web" / "ort.wasm").write_bytes(b"\0asm")
    (tmp_path / "secret.txt").write_text("not for visitors")
    return folder


@pytest.mark.slow
def test_each_file_is_served_isolated_and_nothing_else_nor_elsewhere(exported):
    command = [sys.executable, "-m", "vtryon", "app", "--web", str(exported), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ) as process:
        try:
            url = process.stdout.readline().split()[0]
            for name, kind in (("", "text/html"), ("onnxruntime-web/ort.wasm", "application/wasm")):
                with urllib.request.urlopen(url + name, timeout=60) as answer:
                    assert answer.status == 200
                    assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
                    assert answer.headers["Cross-Origin-Embedder-Policy"] == "require-corp"
                    assert answer.headers["Content-Type"] == kind
            with pytest.raises(urllib.error.HTTPError, match="404"):
                urllib.request.urlopen(url + "%2e%2e/secret.txt", timeout=60)
            port = int(url.rstrip("/").rpartition(":")[2])
            assert url.startswith("http://127.0.0.1:")
            for address in {found[4][0] for found in socket.getaddrinfo(socket.gethostname(), port, socket.AF_INET)}:
                if not address.startswith("127."):
                    with pytest.raises(OSError, match=r"refused|timed out|unreachable"):
                        socket.create_connection((address, port), timeout=5)
        finally:
            process.kill()  # Ctrl-C is ignored by whatever a background shell starts


def test_a_folder_that_is_no_export_is_one_line(tmp_path, capsys):
    assert main(["app", "--web", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert said == f"vtryon app: {tmp_path}: holds no index.html; make it with: vtryon export --run DIR --to web\n"


def test_networks_beside_a_page_that_has_one_are_refused(exported, capsys):
    assert main(["app", "--web", str(exported), "runs/student"]) == 2
    assert "leave runs/student out" in capsys.readouterr().err


def test_a_port_that_is_taken_is_one_line(exported, capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["app", "--web", str(exported), "--port", str(port)]) == 2
    said = capsys.readouterr().err
    assert f"127.0.0.1:{port} cannot be bound to" in said
    assert said.count("\n") == 1
