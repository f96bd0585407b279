"""The page in a real headless browser: it fits a phone, works by keyboard, and asks the network for nothing."""

import csv
import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vtryon.report.figures.charts import front_chart
from vtryon.report.papers.catalogue import choose
from vtryon.report.render.documents import page
from vtryon.report.render.formatting import spread
from vtryon.report.render.outputs import write_runs
from vtryon.report.render.overview import curves
from vtryon.report.tables.measured import committed_spreads
from vtryon.report.tables.pareto import FRONT, Point
from vtryon.report.tables.reproduction import report_of, reproductions
from vtryon.report.tables.rows import read_rows, write_csv

ROOT = Path(__file__).parents[2]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking")
EVIL = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Runs of table 2 as they lie on a disk: rows, epochs, scores of each pair, pictures."""
    place = tmp_path_factory.mktemp("runs")
    for name, varied, loss in (("student", {}, 0.0), ("0", {"compression.ratio": 0.2, "training": EVIL}, 0.3)):
        folder = place / ("demo" if name == "student" else "t2") / name
        pictures = folder / "pictures" / "unpaired"
        for pair in ("a__b", "c__d"):
            (pictures / pair).mkdir(parents=True)
            for stage in ("person", "cloth", "try-on", "teacher"):
                Image.fromarray(np.full((96, 64, 3), 90, np.uint8)).save(pictures / pair / f"{stage}.png")
        row = {"name": "student" if name == "student" else "t2_igm_pruning", "seed": 0, "varied": varied}
        row |= {"size": [256, 192], "latency": {"p90_ms": 9.0}}
        row |= {"fingerprint": "f", "scores": {"paired/ssim": 0.8 - loss}, "cost": {"gmacs": 1.0 - loss, "mib": 9.0}}
        (folder / "row.json").write_text(json.dumps(row | {"state": "done", "commit": "c0ffee", "cpu": "some cpu"}))
        epochs = [{"epoch": epoch, "train/total": 3.0 - epoch} for epoch in range(3)]
        (folder / "history.jsonl").write_text("\n".join(map(json.dumps, epochs)))
        with (folder / "samples.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["split", "person", "cloth", "ssim"])
            writer.writerows([["unpaired", "a", "b", 0.8 - loss / 2], ["unpaired", "c", "d", 0.8 - loss]])
    return place


@pytest.fixture(scope="module")
def document(runs):
    found = []
    for one in choose({"table": ["2"], "figure": ["f7", "f14"]}):
        folder_of = lambda recipe: runs / "t2" if recipe.profile == "demo" else None  # noqa: E731
        found += reproductions(one, folder_of, runs / "demo", ROOT / "experiments")
    return page(found, runs / "demo", ROOT / "experiments", runs / "reproduction")


@pytest.fixture(scope="module")
def browser():
    if CHROMIUM is None:
        pytest.skip("no chromium here: apt-get install chromium")
    sync = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install 'vtryon[dev]'")
    with sync.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield opened
        opened.close()


@pytest.fixture
def show(browser, document, tmp_path):
    """Opens the page in a window of a width; every request and every complaint is noted."""
    (tmp_path / "index.html").write_text(document, encoding="utf-8")
    contexts = []

    def shown(width, height=844):
        context = browser.new_context(viewport={"width": width, "height": height})
        contexts.append(context)
        tab = context.new_page()
        tab.asked, tab.complaints = [], []
        tab.on("request", lambda request: tab.asked.append(request.url))
        tab.on("console", lambda message: tab.complaints.append(message.text))
        tab.on("pageerror", lambda error: tab.complaints.append(str(error)))
        tab.goto((tmp_path / "index.html").as_uri())
        return tab

    yield shown
    for context in contexts:
        context.close()


class Balanced(HTMLParser):
    """Every element that opens is closed in its turn."""

    VOID = ("meta", "link", "img", "input")

    def handle_startendtag(self, tag, attrs):
        self.ids += [value for key, value in attrs if key == "id"]

    def __init__(self):
        super().__init__()
        self.open, self.ids = [], []

    def handle_starttag(self, tag, attrs):
        self.ids += [value for key, value in attrs if key == "id"]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert tag in self.VOID or self.open.pop() == tag


def test_the_document_is_balanced_and_its_links_lead_somewhere(document):
    parser = Balanced()
    parser.feed(document)
    assert parser.open == []
    assert len(set(parser.ids)) == len(parser.ids)
    assert set(re.findall(r'(?:href="#|url\(#)([^")]*)', document)) <= set(parser.ids)


def test_what_a_row_says_is_text_and_never_code(document):
    assert EVIL not in document
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in document


def test_the_page_names_nothing_on_the_network(document):
    links = re.findall(r"""(?:src|href)=["']([^"']*)""", document)
    assert not [link for link in links if not link.startswith(("#", "data:", "../"))]
    assert not re.findall(r"https?://|url\((?!#)|@import", document)


def test_its_links_are_relative_and_lead_to_rows(document, runs):
    links = re.findall(r'href="(\.\./[^"]*)"', document)
    assert links
    assert all((runs / "reproduction" / link).resolve().name == "row.json" for link in links)
    assert all((runs / link.removeprefix("../")).is_file() for link in links)


def test_marks_are_drawn_where_their_numbers_are():
    points = [Point("low", 1, 0.1), Point("high", 2, 0.9)]
    chart = front_chart("chart", "cost", "quality", points, [FRONT, FRONT])
    marks = re.findall(r'data-name="(\w+):.*?<use [^>]*?x="([\d.]+)" y="([\d.]+)"', chart, re.S)
    assert [name for name, _, _ in marks] == ["low", "high"]
    assert float(marks[0][1]) < float(marks[1][1])
    assert float(marks[0][2]) > float(marks[1][2])  # down is more in SVG


def test_a_chart_is_the_same_text_for_the_same_points_and_keeps_text_as_text():
    points = [Point("<low>", 1, 0.1), Point("high", 2, 0.9)]
    first, second = (front_chart("a & b", "cost", "quality", points, [FRONT, FRONT]) for _ in range(2))
    assert first == second
    assert 'aria-label="a &amp; b"' in first
    assert re.search(r"<title>&lt;low&gt;: 1 cost, quality 0.1000, front</title>", first)
    assert re.search(r"<text[^>]*>quality</text>", first)


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_the_page_fits_the_window_and_only_tables_scroll(show, width):
    tab = show(width)
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    assert tab.evaluate(
        "[...document.querySelectorAll('p, li, h2, figcaption')].every(e => e.scrollWidth <= innerWidth)"
    )
    assert tab.evaluate("parseFloat(getComputedStyle(document.body).fontSize)") >= 16


def test_a_strip_of_many_columns_wraps_on_a_phone(show):
    tab = show(320)
    boxes = tab.evaluate(
        "[...document.querySelector('.strip').querySelectorAll('figure')].map(e => e.getBoundingClientRect())"
        ".map(box => [box.top, box.right])"
    )
    assert len({top for top, _ in boxes}) > 1
    assert all(right <= 320 for _, right in boxes)


def test_nothing_is_asked_of_the_network_and_nothing_complains(show):
    tab = show(390)
    assert [url for url in tab.asked if not url.startswith(("file:", "data:"))] == []
    assert tab.complaints == []
    assert tab.evaluate("[...document.images].every(image => image.alt && (!image.complete || image.naturalWidth > 0))")


def test_the_first_tab_skips_to_the_tables(show):
    tab = show(1280)
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.textContent") == "To the tables"
    tab.keyboard.press("Enter")
    assert tab.evaluate("location.hash") == "#main"


def test_everything_that_scrolls_or_speaks_is_reached_by_tab_and_says_its_name(show):
    tab = show(390)
    reached = set()
    for _ in range(400):
        tab.keyboard.press("Tab")
        name = tab.evaluate("document.activeElement.getAttribute('aria-label')")
        if tab.evaluate("document.activeElement === document.body"):
            break
        reached.add(name)
    wanted = set(
        tab.evaluate(
            "[...document.querySelectorAll('[tabindex]')].filter(e => !e.closest('details:not([open])'))"
            ".map(e => e.getAttribute('aria-label'))"
        )
    )
    assert wanted <= reached
    assert None not in wanted


def test_a_mark_that_is_reached_is_named_under_its_chart(show):
    tab = show(1280)
    tab.focus("#pareto .mark")
    name = tab.evaluate("document.activeElement.dataset.name")
    assert "SSIM" in name
    assert tab.evaluate("document.querySelector('#pareto output').textContent") == name


def test_a_wide_table_scrolls_by_arrow_keys(show):
    tab = show(390)
    tab.focus("#t2 .scroll")
    for _ in range(3):
        tab.keyboard.press("ArrowRight")
    tab.wait_for_function("document.querySelector('#t2 .scroll').scrollLeft > 0")


def test_one_seed_is_given_the_spread_of_committed_rows(tmp_path):
    (tmp_path / "seeds").mkdir()
    scores = enumerate((0.7, 0.8, 0.9))
    rows = [{"name": "distill", "seed": seed, "scores": {"paired/ssim": score}} for seed, score in scores]
    write_csv(rows, tmp_path / "seeds" / "measured_demo.csv")
    assert committed_spreads(tmp_path, "scores.paired/ssim") == pytest.approx([0.1])
    write_csv(rows[:1], tmp_path / "seeds" / "measured_demo.csv")
    assert committed_spreads(tmp_path, "scores.paired/ssim") == []


def test_what_no_seed_changes_has_no_spread():
    assert spread(0.261, 0.0, 3) == spread(0.261, None, 3) == "0.261"
    assert spread(0.447, 0.022, 3) == "0.447 ± 0.022"


def test_more_runs_than_one_chart_can_tell_apart_have_several_and_none_is_left_out(tmp_path):
    for number in range(19):
        folder = tmp_path / "sweep" / str(number)
        folder.mkdir(parents=True)
        row = {"name": "distill", "state": "done", "varied": {"model.generator.ngf": number}}
        (folder / "row.json").write_text(json.dumps(row))
        epochs = [{"epoch": epoch, "train/total": 3.0 - epoch} for epoch in range(2)]
        (folder / "history.jsonl").write_text("\n".join(map(json.dumps, epochs)))
    charts = curves(report_of([tmp_path]), None)
    names = [re.findall(r'data-name="(\d+):', svg) for _, svg in charts]
    assert [len(part) for part in names] == [7, 7, 5]
    assert sorted(int(name) for part in names for name in part) == list(range(19))


def test_the_pairs_that_lost_most_come_first(document):
    assert document.index("c in d, SSIM -0.300") < document.index("a in b, SSIM -0.150")
    assert "Worst cases" in document


@pytest.fixture(scope="module")
def runs_page(runs):
    write_runs([runs / "demo", runs / "t2"], runs / "any")
    return (runs / "any" / "index.html").read_text(encoding="utf-8")


def test_any_runs_have_the_same_page_with_sizes_and_counts_of_their_rows(runs, runs_page):
    parser = Balanced()
    parser.feed(runs_page)
    assert parser.open == []
    assert "2 runs, at 256x192" in runs_page
    assert "96x64" not in runs_page
    assert "c in d, SSIM -0.300" in runs_page
    assert runs_page.count('href="rows/t2_0.json"') == 2
    written = {path.name for path in (runs / "any").iterdir()}
    assert {"index.html", "tables.md", "tables.tex", "measured.csv", "strip_unpaired.png"} <= written


def test_the_folder_of_a_page_can_be_moved_without_its_runs_and_every_link_opens_its_row(
    browser, runs, runs_page, tmp_path
):
    moved = shutil.move(shutil.copytree(runs / "any", tmp_path / "copy"), tmp_path / "moved")
    tab = browser.new_page()
    tab.goto((Path(moved) / "index.html").as_uri())
    tab.click("summary:has-text('Where each number comes from')")
    targets = {link.get_attribute("href"): link for link in tab.query_selector_all("a[href$='.json']")}
    assert set(targets) == {"rows/demo_student.json", "rows/t2_0.json"}
    tab.click("#runs-rows a[href='rows/t2_0.json']")
    tab.wait_for_url("**/rows/t2_0.json")
    assert json.loads(tab.inner_text("pre"))["commit"] == "c0ffee"
    tab.close()


def test_a_page_of_a_page_s_own_folder_counts_no_row_twice(runs, runs_page):
    assert len(read_rows(runs)) == 2


def test_a_column_that_is_selected_appears(browser, runs, runs_page):
    tab = browser.new_page()
    tab.goto((runs / "any" / "index.html").as_uri())
    tab.click(".columns summary")
    assert not tab.is_visible("#runs-rows th:has-text('latency.p90_ms')")
    tab.check(".columns label:has-text('latency.p90_ms') input")
    assert tab.is_visible("#runs-rows th:has-text('latency.p90_ms')")
    tab.close()


def test_rows_of_two_runs_never_share_a_copy(tmp_path):
    for name in ("a/b_c", "a_b/c"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "row.json").write_text(json.dumps({"name": name, "seed": 0, "scores": {"paired/ssim": 0.5}}))
    write_runs([tmp_path / "a", tmp_path / "a_b"], tmp_path / "out")
    assert {json.loads(path.read_text())["name"] for path in (tmp_path / "out" / "rows").iterdir()} == {
        "a/b_c",
        "a_b/c",
    }
