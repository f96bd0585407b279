import pytest
from rich.console import Console

from vtryon.report.render.terminal import WITHOUT_TRUTH, Column, table

NO_WEIGHTS = "no weights in /nowhere; fetch them"


def row(name, ssim, mse, params, protocol="a", **more):
    return {
        "name": name,
        "scores": {"paired/ssim": ssim, "paired/mse": mse, "unpaired/fid": None},
        "cost": {"params_m": params},
        "protocol": {"pairs_sha256": protocol},
        "empty": {"unpaired/fid": NO_WEIGHTS},
    } | more


ROWS = (
    row("teacher (dense)", 0.85123, 480.31, 73.2043),
    row("student", 0.83, 520.1, 0.1731),
)


def shown(rows, width=100, **options):
    console = Console(width=width, force_terminal=True, color_system="standard", legacy_windows=False)
    with console.capture() as capture:
        console.print(table(rows, **options))
    return capture.get()


def bold(text):
    return [part.partition("\x1b[0m")[0].strip() for part in text.split("\x1b[1m")]


def plain(rows, width=100, **options):
    console = Console(width=width, color_system=None)
    with console.capture() as capture:
        console.print(table(rows, **options))
    return capture.get()


@pytest.mark.parametrize("width", [80, 100, 120])
def test_the_whole_table_fits_the_terminal(width):
    scores = {
        "paired/ssim": 0.8512,
        "paired/mse": 12480.3,
        "paired/psnr": 21.53,
        "paired/epe": 12.34,
    }
    scores["unpaired/fd_efficientnet"] = 135.21
    full = row("distill_generator_ngf8", 0, 0, 0, scores=scores, latency={"median_ms": 1154.23})
    full["cost"] = {"params_m": 73.2043, "gmacs": 69.012, "mib": 292.8}
    text = plain([full, full], width)
    for number in (
        "73.20",
        "69.01",
        "292.8",
        "0.8512",
        "12480.3",
        "21.53",
        "135.21",
        "12.34",
        "1154.2",
    ):
        assert number in text
    assert max(map(len, text.splitlines())) <= width


@pytest.mark.parametrize("width", [40, 60, 80, 120])
@pytest.mark.parametrize("name", ["f7_ngf_distillation", "f11_warp_channels", "0.4 training=by_both ratio=0.25"])
def test_every_word_of_a_name_stands_unbroken_whatever_the_width(name, width):
    scores = {"paired/ssim": 0.8512, "paired/mse": 12480.3, "paired/psnr": 21.53, "paired/lpips": 0.5, "paired/epe": 1}
    cost = {"params_m": 73.2043, "gmacs": 69.012, "mib": 292.8}
    text = plain([row(name, 0, 0, 0, scores=scores, cost=cost, latency={"median_ms": 1154.23})], width)
    assert set(name.split()) <= set(text.split())
    assert max(map(len, text.splitlines())) <= width
    assert {"73.20", "292.8", "0.8512", "12480.3", "1154.2"} <= set(text.split())


def test_small_numbers_keep_three_digits_and_large_ones_lose_theirs():
    text = plain(ROWS)
    for number in ("73.20", "0.173", "0.8512", "0.8300", "480.3"):
        assert number in text


def test_the_best_of_each_column_is_bold():
    found = bold(shown(ROWS))
    assert {"0.8512", "480.3", "0.173"} <= set(found)
    assert not {"0.8300", "520.1", "73.20"} & set(found)


def test_numbers_that_read_equal_are_equally_bold():
    assert bold(shown([row("a", 0.85121, 1, 1), row("b", 0.85119, 2, 2)])).count("0.8512") == 2


def test_a_single_row_wins_nothing():
    assert "0.8512" not in bold(shown(ROWS[:1]))


def test_an_empty_column_is_left_out_and_says_why():
    text = plain(ROWS)
    assert "FID" not in text
    assert f"unpaired/fid is empty: {NO_WEIGHTS}" in text


def test_a_missing_number_is_a_dash_with_its_reason_once():
    scored = row("with weights", 0.8, 500.0, 1.0, empty={})
    scored["scores"]["unpaired/fid"] = 12.3
    text = plain([*ROWS, scored])
    assert text.count("-¹") == 2
    assert text.count(f"¹ {NO_WEIGHTS}") == 1
    assert "12.30" in text


def named(name, *rows):
    return [one | {"protocol": {"name": name}} for one in rows]


def test_rows_of_two_protocols_stand_in_two_tables_each_under_its_name():
    clean = named("viton-clean-416 unpaired + paired 256x192", *ROWS)
    drawn = named("drawn-64-1c9f04 unpaired + paired 96x64", row("elsewhere", 0.99, 1.0, 0.01))
    text = plain([clean[0], *drawn, clean[1]])
    assert text.count("params") == 2
    first, _, second = text.partition("drawn-64-1c9f04 unpaired + paired 96x64")
    assert first.startswith("viton-clean-416 unpaired + paired 256x192")
    assert "teacher (dense)" in first
    assert "student" in first
    assert "elsewhere" not in first
    assert "elsewhere" in second


def test_a_row_of_another_protocol_competes_with_none_of_the_others():
    text = shown([*ROWS, row("elsewhere", 0.99, 1.0, 0.01, protocol="b")])
    assert text.count("a protocol without a name") == 2
    assert not {"0.9900", "0.010"} & set(bold(text))
    assert {"0.8512", "0.173"} <= set(bold(text))


def test_rows_of_one_protocol_stand_in_one_table_under_its_name():
    text = plain(named("viton-2032 unpaired + paired 256x192", *ROWS), title="mine")
    assert text.splitlines()[0].strip() == "mine"
    assert text.splitlines()[1].strip() == "viton-2032 unpaired + paired 256x192"
    assert text.count("params") == 1


def test_paired_scores_are_called_easy_and_no_others_are():
    assert "paired scores are easy without a parser" in " ".join(plain(ROWS, width=200).split())
    assert "paired scores are easy" not in plain(ROWS, columns=(Column("params", "cost", "params_m"),))


def test_unpaired_scores_without_a_truth_have_a_table_of_their_own():
    scores = {"unpaired/preserved_ssim": 0.8751, "unpaired/garment_de": 5.4321, "unpaired/garment_ssim": 0.5}
    empty = {"unpaired/preserved_lower": "no parse maps"}
    text = plain([row("student", 0, 0, 0, scores=scores, empty=empty)], columns=WITHOUT_TRUTH)
    assert {"0.8751", "5.43", "0.5000"} <= set(text.split())
    assert "unpaired/preserved_lower is empty: no parse maps" in text
    assert "easy" not in text


def test_a_recipe_may_choose_its_own_columns():
    text = plain(ROWS, columns=(Column("error", "scores", "paired/mse", 0),), title="mine")
    assert "error" in text
    assert "SSIM" not in text
    assert text.startswith("mine")
