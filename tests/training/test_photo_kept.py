"""The fake that keeps the photo: the photo outside both garments, and the student is taught by it."""

from functools import partial

import pytest
import torch
from tiny_nets import student_net, training_batch, tutor_net

from vtryon.data.files.label_tables import Parse
from vtryon.data.parse import NEAR, on_top, unchanged
from vtryon.losses.perceptual import none
from vtryon.losses.tryon import StudentLoss
from vtryon.models.afwm import AFWM
from vtryon.models.frozen import Frozen
from vtryon.models.generator import ResUnetGenerator
from vtryon.models.tryon import TryOnNet
from vtryon.training.student import Student, teach

ADAM = partial(torch.optim.Adam, lr=1e-3)


def labelled(rows: dict[tuple[int, int], Parse], size: int = 64) -> torch.Tensor:
    parse = torch.zeros(1, size, size, dtype=torch.uint8)
    for (top, bottom), label in rows.items():
        parse[:, top:bottom, 16:48] = label
    return parse


def test_all_but_the_garment_and_a_narrow_band_around_it_is_unchanged():
    parse = labelled(
        {(0, 10): Parse.FACE, (20, 40): Parse.UPPER_CLOTHES, (40, 52): Parse.PANTS, (52, 64): Parse.LEFT_ARM}
    )
    keep = unchanged(parse)[0, 0]
    reach = max(1, round(NEAR * 64))
    assert not keep[20:40, 16:48].any()
    assert not keep[30, 16 - reach : 16].any()
    assert keep[30, : 16 - reach].all()
    assert keep[:10, 16:48].all()
    assert keep[40:, 16:48].all()  # other clothes up to the garment's outline, and bare arms


def test_arms_beside_the_garment_are_new_within_the_band():
    parse = labelled({(0, 32): Parse.UPPER_CLOTHES, (32, 64): Parse.LEFT_ARM})
    keep = unchanged(parse)[0, 0]
    reach = max(1, round(NEAR * 64))
    assert not keep[32 : 32 + reach, 16:48].any()
    assert keep[32 + reach :, 16:48].all()


def test_the_fake_shows_the_photo_outside_both_garments_and_head_and_hands_over_its_own():
    batch, tutor = training_batch(2), Frozen(tutor_net())
    with torch.no_grad():
        rendered, lesson = teach(tutor, batch)
        kept, same_lesson = teach(tutor, batch, "photo_kept")
    top = on_top(batch.parse, batch.densepose)
    still = torch.maximum(unchanged(batch.parse) * (rendered.warped_edge == 0), top)
    assert (top * rendered.warped_edge).any()
    assert torch.allclose(kept.image * still, batch.person * still, atol=1e-6)
    off = (1 - unchanged(batch.parse)) * (1 - top)
    assert torch.equal(kept.image * off, rendered.image * off)
    assert torch.equal(kept.warped_edge, rendered.warped_edge * (1 - top))
    assert torch.equal(lesson.flow, same_lesson.flow)


def test_face_hair_and_hands_are_on_top_and_the_other_arm_is_not():
    parse = labelled({(0, 8): Parse.HAIR, (8, 16): Parse.FACE, (16, 48): Parse.LEFT_ARM})
    densepose = torch.zeros_like(parse)
    densepose[:, 40:48, 16:48] = 4
    top = on_top(parse, densepose)[0, 0]
    assert top[:16, 16:48].all()
    assert top[40:48, 16:48].all()
    assert not top[16:40].any()


def test_a_student_with_a_keep_output_is_charged_for_keeping_the_old_garment():
    keeping = TryOnNet(AFWM(3, (4,) * 5, 4, (4, 4, 4)), ResUnetGenerator(7, ngf=2, keep=True))
    assert terms_of(keeping)["keep"] > 0
    assert "keep" not in terms_of(student_net())


def test_a_mask_outside_the_garment_is_charged_where_it_is_asked_for():
    assert terms_of(student_net(), outside=2.0)["outside"] > 0
    assert "outside" not in terms_of(student_net())


def terms_of(net: TryOnNet, **weights: float) -> dict[str, torch.Tensor]:
    stage = Student(net, tutor_net(), StudentLoss(none(), **weights), ADAM, fake="photo_kept")
    stage._trainer = type("Trainer", (), {"max_epochs": 4, "current_epoch": 0})()
    return stage.terms(training_batch(2))


def test_another_fake_is_refused():
    with pytest.raises(ValueError, match=r"fake \(='photo'\) must be one of rendered, photo_kept"):
        Student(student_net(), tutor_net(), StudentLoss(none()), ADAM, fake="photo")
