"""The narrowest networks and training batches with all that the stages need."""

import torch

from vtryon.data.sample import TryOnBatch
from vtryon.models.afwm import AFWM
from vtryon.models.generator import ResUnetGenerator
from vtryon.models.tryon import TryOnNet, TutorNet

SIZE = (64, 64)


def student_net(width: int = 4) -> TryOnNet:
    return TryOnNet(AFWM(3, (width,) * 5, width, (4, 4, 4)), ResUnetGenerator(7, ngf=2))


def tutor_net(width: int = 4) -> TutorNet:
    return TutorNet(AFWM(45, (width,) * 5, width, (4, 4, 4)), ResUnetGenerator(8, ngf=2))


def training_batch(count: int = 2, seed: int = 0) -> TryOnBatch:
    draw = torch.Generator().manual_seed(seed)

    def picture() -> torch.Tensor:
        return torch.rand(count, 3, *SIZE, generator=draw) * 2 - 1

    def mask() -> torch.Tensor:
        return (torch.rand(count, 1, *SIZE, generator=draw) > 0.4).float()

    person = picture()
    return TryOnBatch(
        person_ids=[f"{seed:03d}{number:03d}_0" for number in range(count)],
        cloth_ids=[f"{seed:03d}{number:03d}_1" for number in range(count)],
        person=person,
        cloth=picture(),
        cloth_edge=mask(),
        truth=person,
        true_flow=None,
        other_cloth=picture(),
        other_edge=mask(),
        parse=torch.randint(0, 14, (count, *SIZE), generator=draw, dtype=torch.uint8),
        densepose=torch.randint(0, 25, (count, *SIZE), generator=draw, dtype=torch.uint8),
        pose=(torch.rand(count, 18, *SIZE, generator=draw) > 0.9).float() * 2 - 1,
    )
