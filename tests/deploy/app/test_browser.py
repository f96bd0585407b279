"""The app in a real headless browser: pictures chosen by clicks and files, answers side by side, nothing kept."""

import importlib.util
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request

import numpy as np
import pytest
from tiny_nets import student_net

from vtryon.deploy.photo import read_photo, write_photo
from vtryon.models.checkpoint import save_net

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking")
CAMERA = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
WAIT = 240_000  # ms, on a busy machine

NO_GRADIO = importlib.util.find_spec("gradio") is None  # asked without an import, which takes seconds
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(NO_GRADIO, reason="gradio is not installed: pip install 'vtryon[app]'"),
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium here: apt-get install chromium"),
]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Three networks, a garment, and a file that is too large."""
    folder = tmp_path_factory.mktemp("app")
    for name in ("dense", "slim", "other"):
        (folder / name).mkdir()
        save_net(student_net(), folder / name / "model.safetensors")
        (folder / name / "row.json").write_text(json.dumps({"name": name, "size": [64, 64], "seed": 3}))
    cloth = np.full((120, 100, 3), 255, np.uint8)
    cloth[30:100, 20:80] = (200, 20, 30)
    write_photo(folder / "shirt.png", cloth)
    write_photo(folder / "large.png", np.random.default_rng(0).integers(0, 256, (700, 700, 3)).astype(np.uint8))
    assert (folder / "large.png").stat().st_size > 1e6
    return folder


@pytest.fixture(scope="module")
def server(place):
    """The app as a user starts it; its pictures lie below `temporary`."""
    temporary = place / "temporary"
    temporary.mkdir()
    words = [*(str(place / name) for name in ("dense", "slim", "other")), "--port", "0", "--limit-mib", "1"]
    with subprocess.Popen(
        [sys.executable, "-m", "vtryon", "app", *words, "--device", "cpu"],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(temporary)},
    ) as process:
        line = process.stdout.readline()
        process.url = re.search(r"http://\S+", line)[0]
        process.temporary = temporary
        yield process
        process.kill()


@pytest.fixture(scope="module")
def browser():
    sync = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install 'vtryon[dev]'")
    with sync.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, *CAMERA])
        yield opened
        opened.close()


@pytest.fixture
def tab(browser, server):
    """The page, opened; every request is noted."""
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    tab = context.new_page()
    tab.set_default_timeout(WAIT)
    tab.asked = []
    tab.on("request", lambda request: tab.asked.append(request.url))
    tab.goto(server.url)
    tab.wait_for_selector("#try-on")
    yield tab
    context.close()


def choose_drawn(tab):
    tab.locator("#person-examples button.gallery-item").nth(1).click()
    tab.wait_for_selector("#person img")
    tab.locator("#cloth-examples button.gallery-item").nth(0).click()
    tab.wait_for_selector("#cloth img")


def test_clicks_alone_show_three_networks_side_by_side_and_ask_no_other_host(tab, server):
    choose_drawn(tab)
    for number in (1, 2):
        tab.locator("#networks input").nth(number).check()
    tab.click("#try-on")
    tab.wait_for_selector("#answer-2 .try-on img")
    boxes = [tab.locator(f"#answer-{number}").bounding_box() for number in range(3)]
    assert len({box["y"] for box in boxes}) == 1
    for number in range(3):
        answer = tab.locator(f"#answer-{number}")
        assert re.search(r"\d+ ms on the CPU, [\d.]+ MiB, [\d.]+ GMACs", answer.inner_text())
        assert answer.locator("img").count() == 4  # try-on, warped garment, mask, what changed
        answer.get_by_text("Card").click()
        answer.get_by_text("seed").first.wait_for()
    assert all(url.startswith((server.url, "data:", "blob:")) for url in tab.asked)


def test_a_dropped_garment_is_worn_and_the_picture_is_downloaded_whole(tab, place, tmp_path):
    tab.locator("#person-examples button.gallery-item").nth(0).click()
    tab.wait_for_selector("#person img")
    tab.locator("#cloth input[type=file]").set_input_files(str(place / "shirt.png"))
    tab.wait_for_selector("#cloth img")
    tab.click("#try-on")
    tab.wait_for_selector("#answer-0 .try-on img")
    with tab.expect_download() as download:
        tab.locator("#answer-0 .try-on").get_by_label("Download").click()
    download.value.save_as(tmp_path / "worn.png")
    assert read_photo(tmp_path / "worn.png").image.shape == (512, 384, 3)


def test_without_a_person_the_page_says_what_is_missing(tab):
    tab.click("#try-on")
    tab.get_by_text("Choose a person and a garment first.").wait_for()


def test_a_file_over_the_limit_is_refused(tab, place):
    tab.locator("#cloth input[type=file]").set_input_files(str(place / "large.png"))
    tab.get_by_text("exceed the maximum allowed size of 1").wait_for()
    assert tab.locator("#cloth img").count() == 0
    by_hand = {"name": "large.png", "mimeType": "image/png", "buffer": (place / "large.png").read_bytes()}
    assert tab.request.post(f"{tab.url}gradio_api/upload", multipart={"files": by_hand}).status == 413


def test_the_camera_shows_a_live_try_on_with_its_frame_rate(tab):
    choose_drawn(tab)
    tab.get_by_role("tab", name="Camera").click()
    tab.locator("#camera").get_by_text("Click to Access Webcam").click()
    tab.locator("#camera").get_by_label("capture photo").click()
    tab.wait_for_selector("#live img")
    tab.get_by_text(re.compile(r"[\d.]+ frames a second, \d+ ms the network")).wait_for()


def test_it_answers_on_the_loopback_alone(server):
    port = int(server.url.rpartition(":")[2])
    assert urllib.request.urlopen(server.url, timeout=60).status == 200
    outside = next((entry[4][0] for entry in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)), None)
    if outside is None or outside.startswith("127."):
        pytest.skip("this machine has no other address")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((outside, port), timeout=10)


def test_no_picture_is_left_when_it_ends(tab, server, place):
    tab.locator("#cloth input[type=file]").set_input_files(str(place / "shirt.png"))
    tab.wait_for_selector("#cloth img")
    assert list(server.temporary.rglob("shirt.png"))
    server.send_signal(signal.SIGTERM)
    assert server.wait(60) == 0
    assert not any(server.temporary.iterdir())
