"""onnxruntime-web comes in one version, with one hash; what lacks for it is one line. A folder is served isolated."""

import hashlib
import threading
import urllib.request

import pytest
from tiny_nets import tutor_net

from vtryon.cli import main
from vtryon.deploy.web import package
from vtryon.deploy.web.exporting import export_web
from vtryon.deploy.web.serving import FILES, server


def test_without_npm_and_cache_one_line_tells_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("VTRYON_CACHE", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(
        FileNotFoundError, match=r"npm is not installed, .*; install Node.js, or get .* --package"
    ) as told:
        package.archive()
    assert "\n" not in str(told.value)


def test_a_package_of_another_content_is_refused(tmp_path):
    (tmp_path / "other.tgz").write_bytes(b"something else")
    with pytest.raises(ValueError, match=f"is not that of onnxruntime-web {package.VERSION}"):
        package.archive(tmp_path / "other.tgz")


def test_the_cached_package_is_taken_without_npm(tmp_path, monkeypatch):
    monkeypatch.setenv("VTRYON_CACHE", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / package.ARCHIVE).write_bytes(b"content")
    monkeypatch.setattr(package, "SHA256", hashlib.sha256(b"content").hexdigest())
    assert package.archive() == tmp_path / package.ARCHIVE


def test_a_folder_is_served_with_both_isolation_headers_on_the_loopback(tmp_path):
    for name in FILES:
        (tmp_path / name).write_text("<p>here</p>")
    (tmp_path / "code.mjs").write_text("export {}")
    with server(tmp_path, port=0) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        host, port = running.server_address[:2]
        with urllib.request.urlopen(f"http://{host}:{port}/code.mjs") as answer:
            headers = dict(answer.headers)
        running.shutdown()
        thread.join()
    assert host == "127.0.0.1"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Embedder-Policy"] == "require-corp"
    assert headers["Content-type"] == "text/javascript"


def test_a_folder_that_is_no_page_is_not_served(tmp_path):
    with pytest.raises(FileNotFoundError, match="vtryon export --run DIR --to web"):
        server(tmp_path, port=0)
    (tmp_path / "index.html").write_text("another site")
    with pytest.raises(FileNotFoundError, match=r"holds no model\.json"):
        server(tmp_path, port=0)


def test_a_tutor_or_an_unknown_precision_is_refused(tmp_path):
    with pytest.raises(ValueError, match="needs a parser's maps"):
        export_web(tutor_net(), tmp_path / "web")
    with pytest.raises(ValueError, match="precision='int4' must be one of"):
        export_web(tutor_net(), tmp_path / "web", precision="int4")


@pytest.mark.parametrize(("words", "reason"), [(["--to", "onnx", "--package", "a.tgz"], "--package is for --to web")])
def test_the_verb_refuses_what_does_not_go_together(words, reason, tmp_path, capsys):
    assert main(["export", "--run", str(tmp_path), *words]) == 2
    assert reason in capsys.readouterr().err
