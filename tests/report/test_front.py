"""The front of a table of rows."""

from vtryon.report.front import front, with_front


def row(name: str, gmacs: float | None, mib: float, ssim: float | None, pairs: str = "a") -> dict:
    return {
        "name": name,
        "cost": {"gmacs": gmacs, "mib": mib},
        "scores": {"paired/ssim": ssim},
        "protocol": {"pairs": pairs},
    }


def test_who_is_beaten_at_no_more_cost_is_not_on_the_front():
    rows = [row("wide", 4, 4, 0.9), row("half", 2, 2, 0.8), row("int8", 4, 1, 0.89), row("bad", 3, 3, 0.7)]
    found = with_front(rows)
    assert front(found, "gmacs") == ["half", "wide"]
    assert front(found, "mib") == ["int8", "wide"]
    assert [each["front"]["gmacs"] for each in found] == [1, 1, 0, 0]


def test_rows_without_a_score_or_of_another_protocol_have_no_place():
    rows = [
        row("a", 1, 1, 0.5),
        row("none", 1, 1, None),
        row("other", 1, 1, 0.9, pairs="b"),
        row("paste", None, 1, 0.4),
    ]
    found = with_front(rows)
    assert not {"front"} & (found[1].keys() | found[2].keys())
    assert "gmacs" not in found[3]["front"]
    assert front(found, "gmacs") == ["a"]


def test_no_rows_have_no_front():
    assert with_front([]) == []
