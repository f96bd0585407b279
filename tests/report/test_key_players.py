"""What the damage of filters says, on damage that is made up."""

import csv

import pytest

from vtryon.report.figures.key_players import averaged, by_layer, concentration, findings, ranking, verdict
from vtryon.report.figures.sensitivity import draw


def rows(damage: dict[int, list[float]], pairs: int = 2) -> list[dict[str, str]]:
    """Damage of each filter by stage, the same layer in both encoders; pair p doubles that of the first."""
    return [
        {
            "pair": str(pair),
            "layer": f"warp.{branch}_features.encoders.{stage}.1.block.2",
            "filter": str(number),
            "mse": str(mse * (1 + pair)),
            "ssim": str(1 - mse / 1000),
            "drift_px": str(mse / 10),
        }
        for pair in range(pairs)
        for branch in ("image", "cond")
        for stage, own in damage.items()
        for number, mse in enumerate(own)
    ]


AS_PUBLISHED = {0: [200.0] + [1.0] * 19, 1: [4.0] * 20, 2: [4.0] * 20, 4: [6.0] * 20}


def test_rows_are_averaged_over_pairs():
    (one, *_) = averaged(rows({0: [2.0]}))
    assert one.mse == pytest.approx(3.0)
    assert one.pairs == 2


def test_the_worst_come_first_with_their_share_of_all_damage():
    ranked = ranking(averaged(rows({0: [1.0, 6.0], 1: [3.0]})))
    assert [one.mse for one, _ in ranked[:2]] == [9.0, 9.0]
    assert sum(share for _, share in ranked) == pytest.approx(1.0)


def test_even_damage_is_not_concentrated_and_one_filter_s_is():
    even, one = averaged(rows({0: [1.0] * 40})), averaged(rows({0: [1.0] + [0.0] * 39}))
    for filters, expected in ((even, 0.05), (one, 1.0)):
        for own in by_layer(filters).values():
            assert concentration(own) == pytest.approx(expected)


def test_the_published_claim_holds_where_it_is_built_in_and_only_there():
    for found in verdict(averaged(rows(AS_PUBLISHED))).values():
        assert found["first_stage_is_most_sensitive"]
        assert found["middle_is_least_sensitive"]
        assert found["first_stage_share_of_worst_5_percent"] > 0.9
    for found in verdict(averaged(rows({0: [1.0], 1: [9.0], 2: [9.0], 4: [2.0]}))).values():
        assert not found["first_stage_is_most_sensitive"]
        assert not found["middle_is_least_sensitive"]


def test_other_layers_have_no_verdict():
    own = [dict(row, layer="warp.aflow_net.netMain.0.0") for row in rows({0: [1.0, 2.0]})]
    assert findings(averaged(own))["published_claim"] == {}


def test_figures_and_tables_are_drawn_from_the_rows(tmp_path):
    made = rows(AS_PUBLISHED)
    with (tmp_path / "sensitivity.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, made[0])
        writer.writeheader()
        writer.writerows(made)
    said = draw(tmp_path, "filters")
    assert said["key_players"][0].endswith("encoders.0.1.block.2:0")
    names = {path.name for path in (tmp_path / "figures").iterdir()}
    assert {"f5_mse.png", "f6_ssim.png", "drift.png", "f5_mse_heat.png", "filters.csv", "layers.csv"} <= names
    with (tmp_path / "figures" / "filters.csv").open(newline="") as file:
        ranked = list(csv.DictReader(file))
    assert (ranked[0]["rank"], float(ranked[0]["mse"])) == ("1", 300.0)
