import json
import re
from pathlib import Path

import pytest

from vtryon.report.figures.charts import damage_charts
from vtryon.report.papers.catalogue import ALL, choose
from vtryon.report.render.documents import latex, markdown, page
from vtryon.report.tables.cells import AGREES, ELSEWHERE, UNAVAILABLE, WRONG
from vtryon.report.tables.reproduction import report_of, reproductions
from vtryon.report.tables.rows import PAIRED_NOTE

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """All exhibits from committed rows alone."""
    nowhere = tmp_path_factory.mktemp("runs")
    return {one.name: reproductions(one, lambda recipe: None, nowhere, ROOT / "experiments")[0] for one in ALL}


def test_the_exhibits_that_are_asked_for_come_in_the_papers_order():
    assert [one.name for one in choose({"figure": ["f12"], "table": ["3", "1"]})] == ["t1", "t3", "f11"]
    assert len(choose({})) == len(choose({"paper": ["a16", "jetson"]})) == len(ALL)
    covered = [cover for one in ALL for cover in one.covers]
    assert sorted(covered) == sorted([*(f"table {n}" for n in range(1, 6)), *(f"figure f{n}" for n in range(1, 15))])


def test_a_table_that_is_not_there_is_refused_with_those_that_are():
    with pytest.raises(ValueError, match=r"table=6: there are paper=a16, paper=jetson, table=1 to table=5"):
        choose({"table": ["6"]})


def test_the_originals_sizes_agree_with_the_published_ones(found):
    for name in ("t1", "t2"):
        first = [cell for cell in found[name].cells if cell.row == "0.0" and cell.kind == "deterministic"]
        assert len(first) == 5
        assert {cell.verdict for cell in first} == {AGREES}
    assert not [cell for one in found.values() for cell in one.cells if cell.verdict == WRONG]


def test_no_cell_is_blank_in_silence(found):
    for one in found.values():
        assert one.cells or one.lines or one.sheets or one.missing, one.exhibit.name
        for cell in one.cells:
            assert (cell.measured is None) == (cell.verdict == UNAVAILABLE)
            assert cell.measured is not None or re.search(r"needs .+: vtryon ", cell.note)
            assert cell.measured is None or cell.run


def test_every_column_is_of_the_paper_or_has_nothing_printed(found):
    for one in found.values():
        for column in one.exhibit.columns:
            assert one.exhibit.recipe(column.recipe)
            if column.name not in one.paper[0]:
                assert all(cell.published is None for cell in one.cells if cell.column == column.head)


def test_a_sweep_under_way_stands_back_behind_committed_rows(tmp_path):
    (folder := tmp_path / "sweep" / "0").mkdir(parents=True)
    row = {"name": "t2_igm_pruning", "profile": "demo", "seed": 0, "varied": {"training": "by_task"}, "state": "done"}
    (folder / "row.json").write_text(json.dumps(row))
    counts = []
    for state in ("missing", "done"):
        (tmp_path / "sweep" / "manifest.json").write_text(json.dumps({"jobs": [{"state": "done"}, {"state": state}]}))
        (exhibit,) = choose({"table": ["2"]})
        one, *_ = reproductions(exhibit, lambda recipe: tmp_path / "sweep", tmp_path, ROOT / "experiments")
        counts.append(len(one.rows["t2_igm_pruning@demo"]))
    assert counts == [15, 1]


def test_an_analysis_shows_what_it_left_and_draws_its_heat(tmp_path):
    (folder := tmp_path / "0").mkdir()
    row = {"name": "f1_f4_block_sensitivity", "profile": "demo", "seed": 0, "varied": {}, "state": "done"}
    (folder / "row.json").write_text(json.dumps(row))
    lines = ["kind,choice,block,share,mse"] + [
        f"structured,magnitude,encoder {b},{s},{b * s}" for b in (1, 2) for s in (0, 1)
    ]
    (folder / "sensitivity.csv").write_text("\n".join(lines))
    (exhibit,) = choose({"figure": ["f1"]})
    one, *_ = reproductions(exhibit, lambda recipe: tmp_path, tmp_path, ROOT / "nowhere")
    assert [len(sheet) for sheet in one.sheets.values()] == [4]
    ((caption, svg),) = damage_charts(*one.sheets.values())
    assert re.findall(r">(encoder \d|\d+%|2)</text>", svg) == ["0%", "100%", "encoder 1", "encoder 2", "2"]
    assert "Worst: encoder 2, 1: 2" in caption


def test_table_5_is_filled_from_the_bench(tmp_path):
    lines = ["level,form,median_ms", "128x96,shifted,100", "sum,shifted,147.8", "sum,unfolded,95", "sum,tiled,58"]
    (tmp_path / "measured.csv").write_text("\n".join(lines))
    (exhibit,) = choose({"table": ["5"]})
    one, *_ = reproductions(exhibit, lambda recipe: tmp_path, tmp_path, ROOT / "experiments")
    found = {(cell.row, cell.column): cell.measured for cell in one.cells}
    assert found["1000", "s, shifted loop"] == pytest.approx(147.8)
    assert found["10000", "s, unfolded"] == pytest.approx(950)
    assert found["average", "s, unfolded"] == pytest.approx(0.095)
    assert found["average", "a second, unfolded"] == pytest.approx(1000 / 95)
    assert found["average", "acceleration"] == pytest.approx(147.8 / 95)
    assert {cell.verdict for cell in one.cells} == {ELSEWHERE}


def test_markdown_and_latex_hold_every_row(found):
    text, tex = markdown(list(found.values())), latex(list(found.values()))
    assert text.count("| deterministic |") == sum(
        c.kind == "deterministic" for one in found.values() for c in one.cells
    )
    assert tex.count(r"\toprule") == tex.count(r"\bottomrule") == tex.count(r"\begin{table}")
    for table in re.findall(r"\\begin\{tabular\}\{(l r*|lr*)\}(.*?)\\end\{tabular\}", tex, re.S):
        rows = [line for line in table[1].splitlines() if line.endswith(r"\\")]
        assert {line.replace(r"\&", "").count("&") for line in rows} == {len(table[0]) - 1}


def test_a_table_of_markdown_has_as_many_cells_in_each_line(found):
    for block in re.findall(r"(?:^\|.*\n)+", markdown(list(found.values())), re.M):
        assert len({line.replace("\\|", "").count("|") for line in block.splitlines()}) == 1


def swept(folder: Path, protocols: list[str]) -> Path:
    """Rows of table 2's sweep, one a protocol."""
    for number, name in enumerate(protocols):
        (place := folder / str(number)).mkdir(parents=True)
        row = {"name": "t2_igm_pruning", "profile": "demo", "seed": 0, "state": "done"}
        row |= {"varied": {"training": "by_task", "compression.ratio": number / 10}, "protocol": {"name": name}}
        (place / "row.json").write_text(json.dumps(row))
    return folder


def test_an_exhibit_whose_rows_were_judged_under_two_protocols_is_refused_with_both_names(tmp_path):
    folder = swept(tmp_path / "sweep", ["viton-clean-416 256x192", "viton-2032 256x192", "viton-clean-416 256x192"])
    (exhibit,) = choose({"table": ["2"]})
    with pytest.raises(ValueError, match=r"under 2 protocols.*0: viton-clean-416 256x192; .*1: viton-2032 256x192"):
        reproductions(exhibit, lambda recipe: folder, tmp_path, ROOT / "nowhere")


def test_the_protocol_of_an_exhibit_stands_above_its_rows_in_every_form(tmp_path):
    folder = swept(tmp_path / "sweep", ["drawn-64-1c9f04 96x64"] * 3)
    (exhibit,) = choose({"table": ["2"]})
    one, *_ = reproductions(exhibit, lambda recipe: folder, tmp_path, ROOT / "experiments")
    assert one.protocol == "drawn-64-1c9f04 96x64"
    for text in (markdown([one]), latex([one]), page([one], None, None, tmp_path)):
        assert "drawn-64-1c9f04 96x64" in text


def test_a_table_with_paired_scores_says_that_they_are_easy(found):
    easy = [one for one in found.values() if one.is_easy]
    assert easy
    assert not found["t5"].is_easy
    note = PAIRED_NOTE[1:]
    assert markdown(list(found.values())).count(note) == len(easy)
    assert page(easy[:1], None, None, ROOT).count(note) == 1
    assert note in latex(easy[:1])


def test_the_label_of_a_run_stays_beside_the_folder_that_its_row_lies_in(tmp_path):
    (tmp_path / "0").mkdir()
    row = {"name": "student", "run": "runs/student-1", "label": "student at 2", "cost": {"gmacs": 1.0}}
    (tmp_path / "0" / "row.json").write_text(json.dumps(row))
    (report,) = report_of([tmp_path])
    (line,) = report.lines
    assert line.name == "student at 2"
    assert (line.source["run"], line.source["location"]) == ("runs/student-1", str(tmp_path / "0"))
    assert "student at 2" in page([report], None, None, tmp_path)
