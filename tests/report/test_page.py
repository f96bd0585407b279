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

from vtryon.report.page import page
from vtryon.report.page_charts import kept_spread
from vtryon.report.papers import choose
from vtryon.report.reproduction import reproduction
from vtryon.report.rows import write_csv
from vtryon.report.svg import Mark, axis, scatter

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
    found = [
        reproduction(
            one, lambda recipe: runs / "t2" if recipe.profile == "demo" else None, runs / "demo", ROOT / "experiments"
        )
        for one in choose({"table": ["2"], "figure": ["f7", "f14"]})
    ]
    return page(found, runs / "demo", ROOT / "experiments")


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

    VOID = ("meta", "link", "img", "path", "circle", "rect", "polyline")

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
    assert set(re.findall(r'href="#([^"]*)"', document)) <= set(parser.ids)


def test_what_a_row_says_is_text_and_never_code(document):
    assert EVIL not in document
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in document


def test_the_page_names_nothing_on_the_network(document):
    assert not re.findall(r"""(?:src|href)=["'](?!#|data:|file:)[^"']*""", document)
    assert not re.findall(r"https?://|url\(|@import", document)


def test_marks_are_drawn_where_their_numbers_are():
    chart = scatter(
        "chart", axis("x", [1, 2]), axis("y", [0, 1]), [Mark(1, 0, "low", "front"), Mark(2, 1, "high", "front")]
    )
    (x1, y1), (x2, y2) = (tuple(map(float, pair)) for pair in re.findall(r'cx="([\d.]+)" cy="([\d.]+)"', chart))
    assert x1 < x2
    assert y1 > y2  # down is more in SVG


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_the_page_fits_the_window_and_only_tables_scroll(show, width):
    tab = show(width)
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    assert tab.evaluate(
        "[...document.querySelectorAll('p, li, h2, figcaption')].every(e => e.scrollWidth <= innerWidth)"
    )
    assert tab.evaluate("parseFloat(getComputedStyle(document.body).fontSize)") >= 16


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
    tab.focus("#pareto .dot.front")
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
    assert kept_spread(tmp_path) == pytest.approx(0.1)
    write_csv(rows[:1], tmp_path / "seeds" / "measured_demo.csv")
    assert kept_spread(tmp_path) is None


def test_the_pairs_that_lost_most_come_first(document):
    assert document.index("c in d, SSIM -0.300") < document.index("a in b, SSIM -0.150")
    assert "Worst cases" in document
