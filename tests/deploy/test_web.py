"""`vtryon export --to web`: the folder's page and network answer as `vtryon tryon` does, in node and in chromium."""

import json
import re
import shutil
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnx
import pytest
from narrow import net_of
from PIL import Image

from vtryon.cli import main
from vtryon.data.cloth_mask import cloth_mask
from vtryon.data.synthetic.canvas import Frame
from vtryon.data.synthetic.sample import make_person, make_shop, to_uint8, wear
from vtryon.deploy import tryon
from vtryon.deploy.export.pairs import drawn_pairs
from vtryon.deploy.in_torch import try_on
from vtryon.deploy.runtime.opening import open_runtime
from vtryon.deploy.tryon import prepare
from vtryon.deploy.web import exporting, package
from vtryon.deploy.web.serving import server
from vtryon.models.checkpoint import save_net

pytestmark = pytest.mark.slow  # graphs of many nodes, node and chromium
SIZE = (64, 64)
SMALL = {"ngf": 2, "radius": 1, "channels": (4, 5, 6, 7, 8), "fpn_channels": 4, "flow_channels": (4, 4, 4)}
DRIVER = Path(__file__).with_name("web_driver.mjs")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking")
CAMERA = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
READY = "#runtime:not(:has-text('Loading'))"


@pytest.fixture(scope="session")
def runtime(tmp_path_factory):
    """The npm package of onnxruntime-web, fetched once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VTRYON_CACHE", str(tmp_path_factory.mktemp("cache")))
        try:
            return package.archive()
        except OSError as error:
            pytest.skip(f"no onnxruntime-web here: {error}")


@pytest.fixture(scope="module")
def folders(runtime, tmp_path_factory):
    """Exports of a small network, by reduction and precision."""
    place, made = tmp_path_factory.mktemp("web"), {}
    for reduction, precision in ((1, "f32"), (1, "f16"), (2, "f32"), (1, "int8")):
        folder = made[reduction, precision] = place / f"{precision}_{reduction}"
        few = drawn_pairs(SIZE, 4) if precision == "int8" else None
        exporting.export_web(net_of(**SMALL, reduction=reduction), folder, SIZE, precision, few, runtime=runtime)
    return made


@pytest.fixture(scope="module")
def folder(folders):
    return folders[1, "f32"]


def node(folder, place, **task):
    """Run the driver on `task`; its answers lie in `place`."""
    if shutil.which("node") is None:
        pytest.skip("node is not installed")
    (place / "task.json").write_text(json.dumps(task))
    subprocess.run(["node", DRIVER, folder, place / "task.json"], check=True)


def drawn(index, size):
    """A drawn person and another garment, at (height, width)."""
    frame = Frame.of(size)
    person = wear(make_person(0, 0, index, frame), make_shop(0, 0, index, frame), frame).image
    return person, to_uint8(make_shop(0, 0, index + 1000, frame).image, frame)


def left(place, name, image):
    (place / name).write_bytes(np.ascontiguousarray(image.transpose(2, 0, 1)).tobytes())
    return {"file": name, "height": image.shape[0], "width": image.shape[1]}


def found(place, name, *shape):
    return np.frombuffer((place / name).read_bytes(), np.uint8).reshape(shape).astype(int)


@pytest.fixture(scope="module")
def browser():
    if CHROMIUM is None:
        pytest.skip("no chromium here: apt-get install chromium")
    sync = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install 'vtryon[dev]'")
    with sync.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, *CAMERA])
        yield opened
        opened.close()


@contextmanager
def serving(folder):
    with server(folder, port=0) as running:
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{running.server_address[1]}/"
        running.shutdown()
        thread.join()


@contextmanager
def plainly_serving(folder):
    command = [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        yield re.search(r"http://\S+/", process.stdout.readline())[0].replace("0.0.0.0", "127.0.0.1")
        process.terminate()


@contextmanager
def opened(browser, url, width=1100):
    context = browser.new_context(viewport={"width": width, "height": 850})
    tab = context.new_page()
    tab.asked, tab.complaints = [], []
    tab.on("request", lambda request: tab.asked.append(request.url))
    tab.on("console", lambda message: message.type == "error" and tab.complaints.append(message.text))
    tab.on("pageerror", lambda error: tab.complaints.append(str(error)))
    yield tab
    context.close()


def dressed(tab, place, person, cloth):
    """The picture that the page makes of two files, with the network switched off."""
    tab.context.set_offline(True)
    tab.set_input_files("#person-file", person)
    tab.set_input_files("#garment-file", cloth)
    tab.locator("#go:enabled").click()
    with tab.expect_download() as download:
        tab.locator("#save[href]").click()
    download.value.save_as(place / "saved.png")
    return np.asarray(Image.open(place / "saved.png").convert("RGB")).astype(int)


@pytest.mark.parametrize("kind", [(1, "f32"), (1, "f16"), (2, "f32"), (1, "int8")])
def test_a_browsers_runtime_gives_the_stored_answer_in_node(folders, kind, tmp_path):
    node(folders[kind], tmp_path, job="answer", threads=1)
    answer = json.loads((tmp_path / "answer.out").read_text())
    assert (answer["provider"], answer["told"]) == ("wasm", [])
    if kind[1] != "int8":
        assert answer["off"]["max"] <= 1e-3


@pytest.mark.parametrize("kind", [(1, "f32"), (1, "f16"), (2, "f32")])
def test_the_file_has_no_grid_sample_and_was_within_a_thousandth_of_torch(folders, kind):
    model, report = onnx.load(folders[kind] / "model.onnx"), json.loads((folders[kind] / "model.json").read_text())
    assert model.opset_import[0].version <= 17
    assert "GridSample" not in {node.op_type for node in model.graph.node}
    assert report["against_torch"]["image_max"] <= 1e-3
    assert report["card"]["outputs"]["image"]["shape"] == [1, 3, *SIZE]


def test_f16_is_smaller_and_tells_how_far_rounding_moved_the_picture(folders):
    reports = [json.loads((folders[1, kind] / "model.json").read_text()) for kind in ("f32", "f16")]
    assert reports[1]["bytes"] < reports[0]["bytes"]
    assert 0 < reports[1]["against_torch"]["rounding_to_f16"]["image_max"] < 0.05


@pytest.mark.parametrize("target", ["onnx", "openvino"])
def test_a_flow_estimated_from_halved_pictures_exports_to_the_other_formats_too(target, tmp_path):
    from vtryon.deploy.export.exporting import export

    file = tmp_path / f"net{'.onnx' if target == 'onnx' else '.xml'}"
    checks = export(net_of(**SMALL, reduction=2), file, SIZE)["checks"]
    assert checks["against_torch"]["image_max"] <= 1e-4
    assert open_runtime(file, target, size=SIZE)(*drawn_pairs(SIZE, 1)[0]).image.shape == (1, 3, *SIZE)


@pytest.mark.parametrize("size", [(192, 144), (250, 167), (50, 70)])
def test_the_page_prepares_and_restores_photos_as_vtryon_tryon_does(folder, size, tmp_path, monkeypatch):
    monkeypatch.setattr(tryon, "upper_body", lambda *_: None)  # the page searches no faces
    network = (128, 96)
    person, cloth = drawn(0, size)
    mask = cloth_mask(cloth)
    wanted = prepare(person, cloth, mask, network)
    (tmp_path / "mask").write_bytes(mask.tobytes())
    task = {"person": left(tmp_path, "p", person), "size": network}
    node(folder, tmp_path, job="prepare", cloth=left(tmp_path, "c", cloth), mask="mask", **task)
    for name, picture in (("person", wanted.person), ("cloth", wanted.cloth)):
        assert np.abs(found(tmp_path, f"{name}.out", 3, *network).transpose(1, 2, 0) - picture).max() <= 1
    assert (found(tmp_path, "edge.out", *network) != wanted.edge).mean() < 0.001
    answer = wanted.person.copy()
    answer[60:100, 30:70] = 255 - answer[60:100, 30:70]
    node(folder, tmp_path, job="restore", answer=left(tmp_path, "a", answer), **task)
    off = np.abs(found(tmp_path, "restored.out", 3, *size).transpose(1, 2, 0) - wanted.box.restore(person, answer))
    assert off.mean() < 0.05
    assert (off > 2).mean() < 0.002


@pytest.mark.parametrize("index", [0, 7])
def test_the_page_cuts_garments_out_as_vtryon_tryon_does_but_for_the_outline(folder, index, tmp_path):
    size = (384, 288)
    _, cloth = drawn(index, size)
    task = {"person": left(tmp_path, "p", cloth), "cloth": left(tmp_path, "c", cloth), "size": (128, 96)}
    node(folder, tmp_path, job="prepare", **task)
    page, python = found(tmp_path, "mask.out", *size) > 127, cloth_mask(cloth) > 127
    assert (page & python).sum() / (page | python).sum() > 0.95


def test_chromium_with_threads_dresses_as_torch_does_and_asks_its_own_origin_alone(browser, folder, tmp_path):
    person, cloth = drawn(1, SIZE)
    clear = np.dstack([cloth, cloth_mask(cloth)])  # a cut-out, so that both have the same mask
    Image.fromarray(person).save(tmp_path / "person.png")
    Image.fromarray(clear, "RGBA").save(tmp_path / "cloth.png")
    with serving(folder) as url, opened(browser, url) as tab:
        tab.goto(url)
        tab.locator(READY).wait_for()
        assert tab.evaluate("crossOriginIsolated")
        assert "a stored try-on came out right" in tab.inner_text("#runtime")
        result = dressed(tab, tmp_path, tmp_path / "person.png", tmp_path / "cloth.png")
        assert " ms " in tab.inner_text("#ms")
        assert all(asked.startswith((url, "data:", "blob:")) for asked in tab.asked)
        assert tab.complaints == []
    white = np.where(clear[..., 3:] > 127, cloth, 255)
    wanted = try_on(net_of(**SMALL), person, white, clear[..., 3], SIZE)
    assert np.abs(result - wanted).max() <= 1


def test_python_s_own_server_is_enough_with_one_thread_and_the_network_switched_off(browser, folder, tmp_path):
    examples = folder / "examples"
    with plainly_serving(folder) as url, opened(browser, url, width=390) as tab:
        tab.goto(url)
        tab.locator(READY).wait_for()
        assert "WASM, 1 thread;" in tab.inner_text("#runtime")
        result = dressed(tab, tmp_path, examples / "person_1.jpg", examples / "garment_1.jpg")
        assert result.shape == (*exporting.EXAMPLES, 3)
        assert tab.evaluate("document.documentElement.scrollWidth") <= 390
        assert tab.complaints == []


def test_a_webgpu_that_answers_otherwise_is_told_and_wasm_is_used(browser, folder):
    wrong = """export const env = {wasm: {}};
    export class Tensor { constructor(type, data, dims) { Object.assign(this, {data, dims}); } }
    export class InferenceSession {
      static async create() { return new InferenceSession(); }
      async run({person}) { return {image: {data: person.data}}; }
    }"""
    with serving(folder) as url, opened(browser, url) as tab:
        tab.route("**/ort.webgpu.min.mjs", lambda route: route.fulfill(body=wrong, content_type="text/javascript"))
        tab.add_init_script("Object.defineProperty(navigator, 'gpu', {value: {requestAdapter: async () => ({})}})")
        tab.goto(url)
        tab.locator(READY).wait_for()
        told = tab.inner_text("#runtime")
    assert "WebGPU answers otherwise than the network (off by" in told
    assert "so WASM is used" in told
    assert "Ready: WASM" in told


def test_a_browser_that_answers_wrongly_is_refused(browser, folder, tmp_path):
    spoilt = shutil.copytree(folder, tmp_path / "spoilt")
    content = bytearray((spoilt / "check.bin").read_bytes())
    content[:4] = np.float32(3).tobytes()
    (spoilt / "check.bin").write_bytes(content)
    with serving(spoilt) as url, opened(browser, url) as tab:
        tab.goto(url)
        tab.locator(READY).wait_for()
        assert "this browser cannot be used" in tab.inner_text("#runtime")
        tab.locator("#person-examples button").first.click()
        tab.locator("#garment-examples button").first.click()
        assert tab.locator("#go").is_disabled()


def test_the_camera_gives_a_person(browser, folder):
    with serving(folder) as url, opened(browser, url) as tab:
        tab.goto(url)
        tab.locator(READY).wait_for()
        tab.click("#person-camera")
        tab.click("#camera button[value=take]")
        tab.locator("#garment-examples button").first.click()
        tab.locator("#go:enabled").wait_for()
        assert tab.evaluate("document.getElementById('person').width") > 192


def test_a_graph_that_says_something_else_leaves_no_folder(runtime, tmp_path, monkeypatch):
    right = exporting.web_graph
    monkeypatch.setattr(
        exporting, "web_graph", lambda net, *rest, **more: right(net_of(**SMALL | {"ngf": 4}), *rest, **more)
    )
    with pytest.raises(ValueError, match=r"off by .* from the network's: no folder was written"):
        exporting.export_web(net_of(**SMALL), tmp_path / "web", SIZE, runtime=runtime)
    assert list(tmp_path.iterdir()) == []


def test_the_verb_writes_the_folder_of_a_run(runtime, tmp_path, capsys):
    save_net(net_of(**SMALL), tmp_path / "model.safetensors")
    (tmp_path / "row.json").write_text(json.dumps({"size": list(SIZE)}))
    assert main(["export", "--run", str(tmp_path), "--to", "web", "--package", str(runtime)]) == 0
    assert (tmp_path / "export" / "web_f32" / "index.html").is_file()
    assert "against torch" in capsys.readouterr().out
