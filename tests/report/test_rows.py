import csv
import json
import subprocess
import sys

import pytest

from vtryon.report.tables.rows import by_protocol, protocol_of, read_rows, reason, same_protocol, value, write_csv


def write(folder, text):
    folder.mkdir(parents=True)
    (folder / "row.json").write_text(text)
    return folder


def test_rows_are_found_below_a_folder_and_named_after_their_own(tmp_path):
    write(tmp_path / "b" / "student", '{"scores": {"paired/ssim": 0.8}}')
    write(tmp_path / "a", '{"name": "tutor"}')
    rows = read_rows(tmp_path)
    assert [row["name"] for row in rows] == ["tutor", "student"]
    assert value(rows[1], "scores", "paired/ssim") == 0.8


def test_the_order_of_named_runs_is_kept(tmp_path):
    places = [write(tmp_path / name, json.dumps({"name": name})) for name in "zay"]
    assert [row["name"] for row in read_rows(*places[:2], places[2] / "row.json")] == [
        "z",
        "a",
        "y",
    ]


def test_a_folder_without_rows_is_refused(tmp_path):
    with pytest.raises(
        FileNotFoundError,
        match=f"no row.json in or below {tmp_path}.*name a run's folder",
    ):
        read_rows(tmp_path)


@pytest.mark.parametrize(("text", "fault"), [("{", "is not JSON"), ("[1]", "holds a list")])
def test_a_damaged_row_is_named(tmp_path, text, fault):
    folder = write(tmp_path / "run", text)
    with pytest.raises(ValueError, match=f"{folder / 'row.json'} {fault}.*run again"):
        read_rows(folder)


def test_what_a_row_does_not_have_is_none():
    assert value({}, "scores", "paired/ssim") is None
    assert value({"latency": None}, "latency", "median_ms") is None
    assert reason({"empty": {"unpaired/fid": "no weights"}}, "unpaired/fid") == "no weights"
    assert reason({}, "unpaired/fid") is None


def test_a_protocol_differs_where_both_say_something_else():
    first = {"pairs_sha256": "a", "distances": {"fd_efficientnet": {"images": 10}}}
    others = [
        {"pairs_sha256": "a"},
        {"pairs_sha256": "b"},
        {"pairs_sha256": "a", "distances": {"fd_efficientnet": {"images": 9}}},
        {"pairs_sha256": "a", "distances": {"fid": {"images": 9}}},
    ]
    rows = [{"protocol": protocol} for protocol in (first, *others, None)]
    assert same_protocol(rows) == [True, True, False, False, True, True]


def test_a_row_joins_the_first_table_none_of_whose_rows_it_contradicts():
    named = [{"protocol": {"name": name}} for name in ("a", "b", "a", "b")]
    assert by_protocol(named) == [[0, 2], [1, 3]]
    older = {"protocol": {"pairs_sha256": "x"}}  # from before protocols had names
    assert by_protocol([named[0], {}, older, named[1]]) == [[0, 1, 2], [3]]
    one_size, other_size = ({"protocol": {"name": n, "pairs_sha256": "x"}} for n in ("a 96x64", "a 256x192"))
    assert by_protocol([one_size, older, other_size]) == [[0, 1], [2]]
    assert by_protocol([]) == []


def test_a_row_says_the_name_of_its_protocol_or_nothing():
    assert [protocol_of(row) for row in ({"protocol": {"name": "a"}}, {"protocol": {}}, {"protocol": None}, {})] == [
        *("a", "", "", "")
    ]


def test_reading_reports_imports_no_torch():
    code = "import sys, vtryon.report.render.terminal, vtryon.report.tables.rows; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_a_csv_holds_every_number_of_every_row(tmp_path):
    rows = [
        {"name": "a", "scores": {"paired/ssim": 0.5}, "protocol": {"name": "viton-2032 unpaired + paired 256x192"}},
        {"name": "b", "cost": {"gmacs": 2.0}, "latency": {"device": "cpu"}},
    ]
    write_csv(rows, tmp_path / "measured.csv")
    with (tmp_path / "measured.csv").open() as file:
        a, b = csv.DictReader(file)
    assert (a["name"], a["scores.paired/ssim"], a["cost.gmacs"]) == ("a", "0.5", "")
    assert (a["protocol"], b["protocol"]) == ("viton-2032 unpaired + paired 256x192", "")
    assert (b["name"], b["scores.paired/ssim"], b["cost.gmacs"]) == ("b", "", "2")
