"""Which networks are on the front: among points with a spread, and among the rows of a table."""

import pytest

from vtryon.report.tables.pareto import AMBIGUOUS, DOMINATED, FRONT, Point, front, judge, pooled_spread, with_front


def test_without_a_spread_the_front_is_who_has_no_rival():
    points = [Point("cheap", 1, 0.5), Point("good", 3, 0.9), Point("dear", 4, 0.9), Point("middle", 2, 0.4)]
    assert judge(points) == [FRONT, FRONT, DOMINATED, DOMINATED]


def test_a_lead_within_the_spread_is_ambiguous():
    points = [Point("a", 1, 0.800, 0.004), Point("b", 2, 0.795, 0.004), Point("c", 2, 0.780, 0.004)]
    assert judge(points) == [FRONT, AMBIGUOUS, DOMINATED]


def test_who_was_run_once_is_given_the_others_spread():
    points = [Point("a", 1, 0.800, 0.003), Point("b", 2, 0.795), Point("c", 3, 0.9, 0.004)]
    assert pooled_spread([p.spread for p in points]) == pytest.approx((0.003**2 / 2 + 0.004**2 / 2) ** 0.5)
    assert judge(points, pooled_spread([p.spread for p in points])) == [FRONT, AMBIGUOUS, FRONT]
    assert pooled_spread([None]) is None


def test_equals_do_not_dominate_each_other():
    assert judge([Point("a", 1, 0.5), Point("b", 1, 0.5)]) == [FRONT, FRONT]


def row(name: str, gmacs: float | None, mib: float, ssim: float | None, pairs: str = "a") -> dict:
    return {
        "name": name,
        "cost": {"gmacs": gmacs, "mib": mib},
        "scores": {"paired/ssim": ssim},
        "protocol": {"pairs": pairs},
    }


def test_who_is_beaten_at_no_more_cost_is_not_on_the_front():
    rows = [row("wide", 4, 4, 0.9), row("half", 2, 2, 0.8), row("int8", 4, 1, 0.89), row("bad", 3, 3, 0.7)]
    judged = with_front(rows)
    assert front(judged, "gmacs") == ["half", "wide"]
    assert front(judged, "mib") == ["int8", "wide"]
    assert [each["front"]["gmacs"] for each in judged] == [1, 1, 0, 0]


def test_rows_without_a_score_or_of_another_protocol_have_no_place():
    rows = [
        row("a", 1, 1, 0.5),
        row("none", 1, 1, None),
        row("other", 1, 1, 0.9, pairs="b"),
        row("paste", None, 1, 0.4),
    ]
    judged = with_front(rows)
    assert not {"front"} & (judged[1].keys() | judged[2].keys())
    assert "gmacs" not in judged[3]["front"]
    assert front(judged, "gmacs") == ["a"]


def test_no_rows_have_no_front():
    assert with_front([]) == []
