import pytest

from vtryon.report.pareto import AMBIGUOUS, DOMINATED, FRONT, Point, judged, pooled


def test_without_a_spread_the_front_is_who_has_no_rival():
    points = [Point("cheap", 1, 0.5), Point("good", 3, 0.9), Point("dear", 4, 0.9), Point("middle", 2, 0.4)]
    assert judged(points) == [FRONT, FRONT, DOMINATED, DOMINATED]


def test_a_lead_within_the_spread_is_ambiguous():
    points = [Point("a", 1, 0.800, 0.004), Point("b", 2, 0.795, 0.004), Point("c", 2, 0.780, 0.004)]
    assert judged(points) == [FRONT, AMBIGUOUS, DOMINATED]


def test_who_was_run_once_is_given_the_others_spread():
    points = [Point("a", 1, 0.800, 0.003), Point("b", 2, 0.795), Point("c", 3, 0.9, 0.004)]
    assert pooled(points) == pytest.approx((0.003**2 / 2 + 0.004**2 / 2) ** 0.5)
    assert judged(points, pooled(points)) == [FRONT, AMBIGUOUS, FRONT]
    assert pooled([Point("b", 2, 0.795)]) is None


def test_equals_do_not_dominate_each_other():
    assert judged([Point("a", 1, 0.5), Point("b", 1, 0.5)]) == [FRONT, FRONT]
