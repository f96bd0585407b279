"""Networks and losses give the numbers of the original PF-AFN (torch 1.1 semantics) for weights filled by one rule."""

from pathlib import Path

import numpy as np
import pytest
import torch
from parity import fill, inputs
from reference import reference_student, reference_tutor

from vtryon.losses.distillation import (
    AdjustableDistillation,
    feature_distance,
    flow_distance,
    teaches,
)
from vtryon.losses.smoothness import second_order, total_variation
from vtryon.losses.warping import Target, WarpLoss, shrink
from vtryon.models.afwm import AFWM
from vtryon.models.flow import sample
from vtryon.models.generator import ResUnetGenerator
from vtryon.models.tryon import Agnostic, TryOnNet, TutorNet

GOLDEN = Path(__file__).parents[1] / "golden"
TOLERANCE = {
    "flow": 1e-5,
    "gen_out": 5e-5,
    "warped_cloth": 1e-4,
    "warped_edge": 1e-4,
    "tryon": 1e-4,
}


@pytest.fixture(scope="module")
def golden():
    with np.load(GOLDEN / "pfafn_parity.npz") as data:
        return dict(data)


@pytest.fixture(scope="module")
def given():
    return inputs()


def filled(role: str, salt: str = "") -> TryOnNet:
    student = role == "pf"
    net = TryOnNet(AFWM(3), ResUnetGenerator(7)) if student else TutorNet(AFWM(45), ResUnetGenerator(8))
    fill(net.warp, f"{role}_warp", salt)
    fill(net.generator, f"{role}_gen", salt)
    return net


def agnostic(given: dict) -> Agnostic:
    """Written out from the rule, apart from vtryon.data.parse."""
    label, part = given["label"].numpy(), given["densepose"].numpy()
    face, other = np.isin(label, [1, 12]), np.isin(label, [5, 6, 8, 9, 10])
    hands = np.isin(label, [11, 13]) & np.isin(part, [3, 4])
    one_hot = part[:, None] == np.arange(25)[None, :, None, None]
    maps = [face[:, None], other[:, None], one_hot]
    cond = torch.cat([torch.from_numpy(np.concatenate(maps, 1)).float(), given["pose"]], dim=1)
    keep = torch.from_numpy((face | other | hands)[:, None]).float()
    arms = torch.from_numpy(np.isin(part, range(15, 23))[:, None]).float()
    return Agnostic(cond, keep * given["person"], arms)


@pytest.fixture(scope="module")
def answers(given):
    """Student and tutor, with what their generators put out before tanh and sigmoid."""
    result = {}
    for role in ("pf", "pb"):
        net, painted = filled(role), []
        net.generator.register_forward_hook(lambda module, args, out, painted=painted: painted.append(out))
        with torch.no_grad():
            person = given["person"] if role == "pf" else agnostic(given)
            result[role] = net(person, given["cloth"], given["edge"]), painted[0]
    return result


def target_of(given: dict) -> Target:
    edge = torch.from_numpy(np.isin(given["label"].numpy(), [4, 7])[:, None]).float()
    return Target(given["person"], given["person"] * edge, edge)


@pytest.mark.parametrize("role", ["pf", "pb"])
def test_outputs_are_those_of_the_original(golden, answers, role):
    answer, painted = answers[role]
    ours = {"flow": answer.flow, "gen_out": painted, "tryon": answer.image}
    ours |= {"warped_cloth": answer.warped_cloth, "warped_edge": answer.warped_edge}
    for name, value in ours.items():
        difference = np.abs(value[0, :, ::4, ::4].numpy() - golden[f"{role}/{name}"]).max()
        assert difference <= TOLERANCE[name], name
        assert value.abs().mean().item() == pytest.approx(float(golden[f"{role}/{name}/mean_abs"]), rel=1e-4)


@pytest.mark.parametrize("role", ["pf", "pb"])
def test_warp_loss_terms_are_those_of_the_original(golden, answers, given, role):
    answer, target = answers[role][0], target_of(given)
    assert sum(map(total_variation, answer.offsets)).item() == pytest.approx(float(golden[f"{role}/loss/tv"]), rel=1e-4)
    for level, expected in enumerate(golden[f"{role}/loss/l1_edge_second_by_level"]):
        scale, flow = 0.5 ** (4 - level), answer.flows[level]
        cloth = (sample(shrink(given["cloth"], scale), flow) - shrink(target.cloth, scale)).abs().mean()
        moved = sample(shrink(given["edge"], scale), flow, padding="zeros")
        edge = (moved - shrink(target.edge, scale)).abs().mean()
        ours = [cloth.item(), edge.item(), second_order(flow).item()]
        np.testing.assert_allclose(ours, expected, rtol=1e-4)
    total = WarpLoss()(answer, given["cloth"], given["edge"], target, scale=1).total(perceptual=None)["total"]
    assert total.item() == pytest.approx(float(golden[f"{role}/loss/warp_without_vgg"]), rel=1e-4)


@pytest.mark.parametrize(("teacher", "student"), [("pb", "pf"), ("pf", "pb")])
def test_the_tutor_teaches_only_where_it_warps_better(golden, answers, given, teacher, student):
    expected = {
        k.split("/", 2)[2]: v for k, v in golden.items() if k.startswith(f"distill/{teacher}_teaches_{student}")
    }
    lesson, answer, worn = (
        answers[teacher][0],
        answers[student][0],
        target_of(given).cloth,
    )
    assert teaches(lesson.warped_cloth, answer.warped_cloth, worn).item() == expected["gate"]
    features = [
        feature_distance(*pair).item() for pair in zip(lesson.person_features, answer.person_features, strict=True)
    ]
    np.testing.assert_allclose(features, expected["feature_ungated"], rtol=1e-4)
    flows = [flow_distance(lesson.flows[k], answer.flows[k]).item() for k in (2, 3, 4)]
    np.testing.assert_allclose(flows, expected["flow_ungated_levels_2_3_4"], rtol=1e-4)
    total = AdjustableDistillation()(answer, lesson, worn).total(None)["total"].item()
    assert total == pytest.approx(float(expected["total_gated"]), rel=1e-4)
    assert expected["gate"] == 1 or total == 0  # a closed gate teaches exactly nothing


@pytest.mark.parametrize("role", ["pf", "pb"])
def test_another_fill_agrees_with_a_literal_second_implementation(role):
    given = {name: value[..., :128, :96] for name, value in inputs(salt="another/").items()}  # the literal one is slow
    net = filled(role, salt="another/")
    with torch.no_grad():
        if role == "pf":
            answer = net(given["person"], given["cloth"], given["edge"])
            expected = reference_student(net.warp.state_dict(), net.generator.state_dict(), given)
        else:
            answer = net(agnostic(given), given["cloth"], given["edge"])
            expected = reference_tutor(
                net.warp.state_dict(),
                net.generator.state_dict(),
                given,
                agnostic(given),
            )
    assert (answer.flow - expected["flow"]).abs().max() <= 1e-5
    assert (answer.image - expected["image"]).abs().max() <= 1e-4


def test_a_batch_is_answered_like_its_samples(given):
    net = filled("pf")
    twice = [torch.cat([given[name], given[name].flip(-1)]) for name in ("person", "cloth", "edge")]
    with torch.no_grad():
        both, second = net(*twice), net(*(part[1:] for part in twice))
    assert (both.image[1:] - second.image).abs().max() <= 1e-4


def test_align_corners_is_not_today_s_default(given, answers, monkeypatch):
    """The released weights mean corner-aligned sampling; without it the output is off by about 1."""
    plain = torch.nn.functional.grid_sample

    def today(image, grid, mode, padding_mode, align_corners):
        return plain(image, grid, mode=mode, padding_mode=padding_mode, align_corners=False)

    monkeypatch.setattr(torch.nn.functional, "grid_sample", today)
    with torch.no_grad():
        wrong = filled("pf")(given["person"], given["cloth"], given["edge"])
    assert (wrong.image - answers["pf"][0].image).abs().max() > 0.5
