"""A step of PF-AFN's stage 4 as the released loop does it, the baseline of `vtryon bench train-step`.

It comes to the numbers of `vtryon.training.student`, but by the released loop's way of working: samples are prepared
one by one, a mask is made label by label, the correlation is 49 shifted products, the tutor runs twice with gradients
on and looks at the person anew each time, and the perceptual network sees one picture batch after the other.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from vtryon.bench.data_loading import draw_pose
from vtryon.data.sample import Raw
from vtryon.losses.perceptual import Perceptual
from vtryon.models.afwm import AFWM
from vtryon.models.tryon import TryOnNet, TutorNet


class PlainStep:
    """The loss of a step, ready for `backward`.

    Args:
        student: learns.
        tutor: in eval mode but with gradients on, as released; nobody uses them.
        perceptual: its feature network and its weights are taken, its way of calling the network is not.
    """

    def __init__(self, student: TryOnNet, tutor: TutorNet, perceptual: Perceptual):
        self.student, self.tutor, self.perceptual = student, tutor.eval().requires_grad_(True), perceptual

    def __call__(self, inputs: "ReleasedBatch") -> Float[Tensor, ""]:
        fake, fake_image, lesson = self._teach(inputs)
        output = plain_warp(self.student.warp, fake_image, inputs.cloth, inputs.cloth_edge)
        painted = self.student.generator(torch.cat([fake_image, output.cloths[-1], output.edges[-1]], dim=1))
        tried_on, rendered, mask = _compose(painted, output, inputs.worn_edge)

        person, worn = inputs.person, inputs.person * inputs.worn_edge
        loss = 0.25 * (self._warp_loss(output, worn, inputs.worn_edge) + _lesson(output, lesson, worn))
        loss = loss + 5 * F.l1_loss(tried_on, person) + 5 * F.l1_loss(rendered, person) + (1 - mask).abs().mean()
        skin = fake.edges[-1].detach() * (1 - inputs.worn_edge)
        loss = loss + 30 * F.l1_loss(rendered * skin, person * skin)
        loss = loss + self._look(tried_on, person) + self._look(rendered, person)
        return loss + 2 * self._look(rendered * skin, person * skin)

    def _teach(self, inputs: "ReleasedBatch") -> tuple["PlainWarp", Tensor, "PlainWarp"]:
        fake = plain_warp(self.tutor.warp, inputs.cond, inputs.other_cloth, inputs.other_edge)
        bare = inputs.arms * (1 - fake.edges[-1])
        painted = self.tutor.generator(
            torch.cat([inputs.preserved_region, fake.cloths[-1], fake.edges[-1], bare], dim=1)
        )
        fake_image, _, _ = _compose(painted, fake, 1)
        return fake, fake_image.detach(), plain_warp(self.tutor.warp, inputs.cond, inputs.cloth, inputs.cloth_edge)

    def _warp_loss(self, output: "PlainWarp", worn: Tensor, worn_edge: Tensor) -> Tensor:
        loss = 0.01 * sum(_total_variation(offset) for offset in output.offsets)
        for k in range(5):
            goal, goal_edge = _shrink(worn, k), _shrink(worn_edge, k)
            level = F.l1_loss(output.cloths[k], goal) + 0.2 * self._look(output.cloths[k], goal)
            level = level + 2 * F.l1_loss(output.edges[k], goal_edge)
            for bend in output.bends[k]:
                level = level + 6 * ((bend.square() + 0.001**2) ** 0.45).mean()
            loss = loss + (k + 1) * level
        return loss

    def _look(self, prediction: Tensor, target: Tensor) -> Tensor:
        output_features, target_features = self.perceptual.features(prediction), self.perceptual.features(target)
        pairs = zip(self.perceptual.weights, output_features, target_features, strict=True)
        return sum(weight * F.l1_loss(output_map, target_map.detach()) for weight, output_map, target_map in pairs)


class ReleasedBatch(NamedTuple):
    """A batch as the released loop has it before its networks."""

    person: Tensor
    cloth: Tensor  # 0 off the garment
    cloth_edge: Tensor
    other_cloth: Tensor
    other_edge: Tensor
    worn_edge: Tensor
    cond: Tensor
    preserved_region: Tensor  # face, other clothes and hands of the person
    arms: Tensor


def prepare(raw: Raw, keypoints: Float[np.ndarray, "b 18 2"]) -> ReleasedBatch:
    """Sample by sample what the released data set does, then label by label what its loop does.

    `keypoints` are x and y in pixels of the pictures; `raw.pose` is not looked at.
    """
    person, cloth, other_cloth = (_each(map_picture, picture) for picture in (raw.person, raw.cloth, raw.other_cloth))
    cloth_edge, other_edge = (_each(map_edge, picture) for picture in (raw.cloth_edge, raw.other_edge))
    pose = torch.stack([draw_pose(points, person.shape[2:]) for points in keypoints])
    label, densepose = raw.parse[:, None].float(), raw.densepose[:, None].float()

    noise = (label == 7).float()
    label = label * (1 - noise) + 4 * noise
    face = (label == 1).float() + (label == 12).float()
    clothes = sum((label == value).float() for value in (5, 6, 8, 9, 10))
    arm = (label == 11).float() + (label == 13).float()
    hand = (densepose == 3).float() + (densepose == 4).float()
    one_hot = torch.zeros(len(person), 25, *person.shape[2:]).scatter_(1, densepose.long(), 1.0)
    return ReleasedBatch(
        person=person,
        cloth=cloth * cloth_edge,
        cloth_edge=cloth_edge,
        other_cloth=other_cloth * other_edge,
        other_edge=other_edge,
        worn_edge=(label == 4).float(),
        cond=torch.cat([face, clothes, one_hot, pose], dim=1),
        preserved_region=(face + clothes) * person + arm * hand * person,
        arms=sum((densepose == value).float() for value in range(15, 23)),
    )


class PlainWarp(NamedTuple):
    """What the released warp gives in training; all coarsest first."""

    flows: list[Tensor]
    offsets: list[Tensor]
    person_features: Sequence[Tensor]
    cloths: list[Tensor]
    edges: list[Tensor]
    bends: list[tuple[Tensor, Tensor]]  # second differences of x and of y


def plain_warp(warp: AFWM, cond: Tensor, cloth: Tensor, cloth_edge: Tensor) -> PlainWarp:
    """The network's own layers, with the released order of work between them."""
    cloth_features = warp.image_FPN(warp.image_features(cloth))
    person_features = warp.cond_FPN(warp.cond_features(cond))
    flow, out = None, PlainWarp([], [], person_features, [], [], [])
    for k, (c, p) in enumerate(zip(cloth_features, person_features, strict=True)):
        warped = c if flow is None else _sample(c, flow.detach())
        coarse = warp.aflow_net.netMain[k](F.leaky_relu(plain_correlation(warped, p, warp.aflow_net.radius), 0.1))
        flow = _grid(coarse) if flow is None else _sample(flow, _grid(coarse))
        fine = warp.aflow_net.netRefine[k](torch.cat([_sample(c, flow), p], dim=1))
        flow = _sample(flow, _grid(fine))
        flow = F.interpolate(flow, scale_factor=2, mode="bilinear", align_corners=False)
        out.flows.append(flow)
        out.offsets.extend([coarse, fine])
        out.cloths.append(_sample(_shrink(cloth, k), flow))
        out.edges.append(_sample(_shrink(cloth_edge, k), flow, "zeros"))
        out.bends.append(tuple(_second_difference(flow[:, axis : axis + 1]) for axis in (0, 1)))
    return out


def plain_correlation(first: Tensor, second: Tensor, radius: int) -> Tensor:
    """One shifted product after another."""
    h, w = first.shape[2:]
    around = F.pad(second, [radius] * 4)
    shifts = [(y, x) for y in range(2 * radius + 1) for x in range(2 * radius + 1)]
    return torch.cat([(first * around[:, :, y : y + h, x : x + w]).mean(1, keepdim=True) for y, x in shifts], dim=1)


def map_picture(picture: Tensor) -> Tensor:
    """0..255 to [-1, 1]"""
    return (picture.float().div(255) - 0.5) / 0.5


def map_edge(edge: Tensor) -> Tensor:
    return (edge.float().div(255) > 0.5).float()[None]


def _each(convert, samples: Tensor) -> Tensor:
    return torch.stack([convert(sample) for sample in samples])


def _compose(painted: Tensor, warp: PlainWarp, worn_edge: Tensor | int) -> tuple[Tensor, Tensor, Tensor]:
    rendered, mask = torch.split(painted, [3, 1], dim=1)
    rendered, mask = torch.tanh(rendered), torch.sigmoid(mask) * warp.edges[-1] * worn_edge
    return warp.cloths[-1] * mask + rendered * (1 - mask), rendered, mask


def _lesson(output: PlainWarp, lesson: PlainWarp, worn: Tensor) -> Tensor:
    def error(warp: PlainWarp) -> Tensor:
        return (warp.cloths[-1].detach() - worn).abs().flatten(1).mean(1)

    gate = (error(lesson) < error(output)).float()
    taught = gate.sum().clamp(min=1)
    loss = 0
    for k in range(5):
        features = (lesson.person_features[k].detach() - output.person_features[k]) ** 2
        loss = loss + (5 - k) * 0.04 * (gate * features.flatten(1).mean(1)).sum() / taught
        if k >= 2:
            length = torch.norm(lesson.flows[k].detach() - output.flows[k], dim=1)
            loss = loss + (k + 1) * (gate * length.flatten(1).mean(1)).sum() / taught
    return loss


def _second_difference(flow: Tensor) -> Tensor:
    kernels = flow.new_zeros(4, 1, 3, 3)
    for kernel, (y, x) in zip(kernels, ((1, 0), (0, 1), (0, 0), (0, 2)), strict=True):
        kernel[0, y, x] = kernel[0, 2 - y, 2 - x] = 1
        kernel[0, 1, 1] = -2
    return F.conv2d(flow, kernels)


def _total_variation(offset: Tensor) -> Tensor:
    down, across = offset[:, :, 1:] - offset[:, :, :-1], offset[:, :, :, 1:] - offset[:, :, :, :-1]
    return down.abs().mean() + across.abs().mean()


def _shrink(image: Tensor, level: int) -> Tensor:
    return F.interpolate(image, scale_factor=0.5 ** (4 - level), mode="bilinear", align_corners=False)


def _grid(offset: Tensor) -> Tensor:
    h, w = offset.shape[2:]
    y, x = torch.meshgrid(torch.arange(h), torch.arange(w), indexing="ij")
    index = torch.stack([x, y]).to(offset.dtype) + offset
    return torch.stack([index[:, 0] / ((w - 1) / 2) - 1, index[:, 1] / ((h - 1) / 2) - 1], dim=1)


def _sample(image: Tensor, flow: Tensor, padding: str = "border") -> Tensor:
    return F.grid_sample(image, flow.permute(0, 2, 3, 1), "bilinear", padding, align_corners=True)
