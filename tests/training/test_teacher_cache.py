"""A teacher is asked once, whatever asks and in whatever order."""

import pytest
import torch
from narrow import inputs_of, net_of

from vtryon.models.frozen import Frozen
from vtryon.training.teacher_cache import CachedTeacher


def fields(answer):
    return {name: value if isinstance(value, tuple) else (value,) for name, value in answer._asdict().items()}


@pytest.fixture
def question():
    return inputs_of(net_of(), seed=1, count=2)


def test_a_kept_answer_is_the_teachers_own_bit_for_bit(tmp_path, question):
    teacher = Frozen(CachedTeacher(net_of(), tmp_path))
    alone = [net_of()(*(x[row : row + 1] for x in question)) for row in range(2)]
    for asked in range(2):
        answer = fields(teacher(*question))
        for row, single in enumerate(alone):
            for name, parts in fields(single).items():
                for part, whole in zip(parts, answer[name], strict=True):
                    assert torch.equal(part[0], whole[row]), (asked, name)


def test_it_is_asked_once_for_each_sample_whatever_the_batch(tmp_path, question):
    teacher = CachedTeacher(net_of(), tmp_path)
    teacher(*question)
    CachedTeacher(net_of(), tmp_path)(*question)
    teacher(*(x.flip(0) for x in question))
    assert teacher.asked == 2
    assert len(list(tmp_path.rglob("*.safetensors"))) == 2


def test_another_network_has_answers_of_its_own(tmp_path, question):
    CachedTeacher(net_of(), tmp_path)(*question)
    other = CachedTeacher(net_of(ngf=2), tmp_path)
    other(*question)
    assert other.asked == 2


def test_a_damaged_answer_is_asked_for_anew(tmp_path, question):
    teacher = CachedTeacher(net_of(), tmp_path)
    right = teacher(*question).image
    for file in tmp_path.rglob("*.safetensors"):
        file.write_bytes(file.read_bytes()[:100])
    assert torch.equal(teacher(*question).image, right)
    assert teacher.asked == 4
