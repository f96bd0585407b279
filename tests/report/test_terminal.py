import pytest
from rich.console import Console

from vtryon.report.terminal import Column, table

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


def test_a_row_of_another_protocol_is_marked_and_does_not_compete():
    text = shown([*ROWS, row("elsewhere", 0.99, 1.0, 0.01, protocol="b")])
    assert "elsewhere*" in text
    assert "* judged under another protocol" in text
    assert "0.9900" not in bold(text)
    assert {"0.8512", "0.010"} <= set(bold(text))  # a cost is a cost


def test_a_recipe_may_choose_its_own_columns():
    text = plain(ROWS, columns=(Column("error", "scores", "paired/mse", 0),), title="mine")
    assert "error" in text
    assert "SSIM" not in text
    assert text.startswith("mine")
