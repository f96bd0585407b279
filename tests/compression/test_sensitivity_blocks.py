"""Figures F1 to F4: what falls silent is what it is said to be, nothing else changes, and nothing is measured twice."""

import csv
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from few_pairs import FewPairs, seen
from narrow import inputs_of, net_of
from omegaconf import OmegaConf
from tiny_nets import tutor_net
from torch import nn
from torch.nn.utils import prune

from vtryon.compression.sensitivity.blocks import BlockSensitivity
from vtryon.compression.sensitivity.masking import masked
from vtryon.config.compose import ConfigError
from vtryon.metrics.image_similarity import image_similarity
from vtryon.report.figures.sensitivity import draw
from vtryon.runs.run import analyse
from vtryon.utils.image import to_uint8

SHARES = (0.0, 0.33, 1.0)


def measured(folder) -> list[dict[str, str]]:
    with (folder / "sensitivity.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def few(**given) -> BlockSensitivity:
    return BlockSensitivity(**{"kinds": ["structured"], "choices": ["magnitude"], "shares": SHARES} | given)


@pytest.fixture(scope="module")
def analysed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    few(batch=2)(net_of(), FewPairs(), folder)
    return folder


def test_the_blocks_in_a_row_are_the_generator():
    generator = net_of().generator
    down, up = generator.blocks()
    assert {id(layer) for block in down + up for layer in block.modules() if not list(layer.children())} == {
        id(layer) for layer in generator.modules() if not list(layer.children())
    }
    seen_by_generator = torch.rand(1, 7, 64, 64)
    outs = [seen_by_generator]
    with torch.no_grad():
        for block in down:
            outs.append(block(outs[-1]))
        x = up[-1](outs[-1])
        for block, beside in zip(reversed(up[:-1]), reversed(outs[1:-1]), strict=True):
            x = block(torch.cat([beside, x], dim=1))
        assert torch.equal(x, generator(seen_by_generator))


@pytest.mark.parametrize("share", [0.1, 0.33, 0.66, 1.0])
@pytest.mark.parametrize("kind", ["structured", "unstructured"])
def test_what_goes_is_what_torch_s_own_pruning_masks(kind, share):
    conv = nn.Conv2d(12, 10, 3)
    before, twin = conv.weight.detach().clone(), nn.Conv2d(12, 10, 3)
    twin.load_state_dict(conv.state_dict())
    if kind == "structured":
        prune.ln_structured(twin, "weight", amount=share, n=2, dim=0)
    else:
        prune.l1_unstructured(twin, "weight", amount=share)
    with masked({"one": conv}, share, kind) as zeros:
        assert torch.equal(conv.weight, twin.weight)
        assert zeros == pytest.approx(float((twin.weight == 0).float().mean()))
    assert torch.equal(conv.weight, before)


def test_random_choices_differ_from_those_by_magnitude_and_repeat_with_the_seed():
    conv, masks = nn.Conv2d(12, 10, 3), []
    for choice, seed in (("magnitude", 0), ("random", 0), ("random", 0), ("random", 1)):
        with masked({"one": conv}, 0.5, "unstructured", choice, seed):
            masks.append(conv.weight == 0)
    assert torch.equal(masks[1], masks[2])
    assert not torch.equal(masks[0], masks[1])
    assert not torch.equal(masks[1], masks[3])


def test_a_row_is_what_the_whole_network_says_with_that_block_silent(analysed):
    net, asked = net_of(), seen(FewPairs())
    with torch.no_grad():
        usual = to_uint8(net(*asked).image)
        for block, share in (("encoder 2", 0.33), ("decoder 1", 1.0), ("encoders", 0.33), ("decoders", 1.0)):
            down, up = net.generator.blocks()
            blocks = {"encoder 2": down[1:2], "decoder 1": up[:1], "encoders": down, "decoders": up}[block]
            convs = [layer for part in blocks for layer in part.modules() if isinstance(layer, nn.Conv2d)]
            with masked({str(k): conv for k, conv in enumerate(convs)}, share):
                truth = image_similarity(to_uint8(net(*asked).image), usual)
            (row,) = (r for r in measured(analysed) if (r["block"], float(r["share"])) == (block, share))
            assert float(row["mse"]) == pytest.approx(float(truth.mse.mean()), rel=1e-4)
            assert float(row["ssim"]) == pytest.approx(float(truth.ssim.mean()), abs=1e-4)


def test_nothing_silent_changes_nothing_and_everything_silent_leaves_zeros(analysed):
    rows = measured(analysed)
    assert len(rows) == 12 * len(SHARES)
    assert all(float(row["mse"]) == 0 == float(row["zeros"]) for row in rows if float(row["share"]) == 0)
    assert all(float(row["zeros"]) == 1 for row in rows if float(row["share"]) == 1)
    assert any(float(row["mse"]) > 0 for row in rows)


def test_a_killed_analysis_goes_on_where_it_was(analysed, tmp_path, monkeypatch):
    whole = (analysed / "sensitivity.csv").read_text()
    lines = whole.splitlines(keepends=True)
    (tmp_path / "sensitivity.csv").write_text("".join(lines[:-2]))
    asked = []
    monkeypatch.setattr(
        "vtryon.compression.sensitivity.blocks.image_similarity",
        lambda *pair: asked.append(1) or image_similarity(*pair),
    )
    few(batch=2)(net_of(), FewPairs(), tmp_path)
    assert len(asked) == 2
    assert (tmp_path / "sensitivity.csv").read_text() == whole


def test_an_analysis_leaves_the_network_as_it_was(tmp_path):
    net, before = net_of(), net_of().state_dict()
    few(shares=[0.5])(net, FewPairs(), tmp_path)
    assert all(torch.equal(value, before[key]) for key, value in net.state_dict().items())


def test_figures_are_drawn_from_the_rows(analysed):
    said = draw(analysed, "blocks")
    assert said["its_mse"] >= said["mildest_mse"] >= 0
    names = {path.name for path in (analysed / "figures").iterdir()}
    expected = {"heat_structured.png", "curves_structured.png"}
    expected |= {"f1_structured_encoder_magnitude.jpg", "f2_structured_decoder_magnitude.jpg"}
    assert names == expected
    assert all(path.stat().st_size > 2000 for path in (analysed / "figures").iterdir())


def test_unknown_kinds_and_splits_are_told(tmp_path):
    with pytest.raises(ValueError, match=r"kinds \(=\['blocky'\]\) must be of structured, unstructured"):
        BlockSensitivity(kinds=["blocky"])
    with pytest.raises(ValueError, match=r"split \(='seen'\) must be one of unpaired"):
        few(split="seen")(net_of(), FewPairs(), tmp_path)


def test_a_pruned_network_is_analysed_too(tmp_path):
    from vtryon.compression.pruning import Pruning

    net = Pruning(0.5, "generator", round_to=1)(net_of(ngf=8))
    few(shares=[0.0, 1.0])(net, FewPairs(2), tmp_path)
    assert net(*inputs_of(net)).image.shape == (1, 3, 64, 64)
    assert len(measured(tmp_path)) == 24


def test_a_tutor_is_not_analysed_and_is_told_so():
    stage = SimpleNamespace(net=tutor_net())
    with pytest.raises(ConfigError, match="analysis: TutorNet is no parser-free network; take a student's file"):
        analyse(stage, None, Path(), OmegaConf.create({}))
