"""What the app is made of: networks by name, a try-on with all that is shown of it, and drawn examples."""

import json

import numpy as np
import pytest
from tiny_nets import student_net

from vtryon.cli import main
from vtryon.deploy.app import networks
from vtryon.deploy.app.examples import draw_examples
from vtryon.deploy.app.networks import Network, described, difference, offered, read_garment
from vtryon.deploy.app.serving import bound, serve
from vtryon.deploy.photo import read_photo
from vtryon.deploy.weights import WeightsMissingError
from vtryon.models.checkpoint import save_net


@pytest.fixture
def run(tmp_path):
    """A finished run of the narrowest student."""
    folder = tmp_path / "runs" / "demo" / "student"
    folder.mkdir(parents=True)
    save_net(student_net(), folder / "model.safetensors")
    (folder / "row.json").write_text(json.dumps({"name": "student", "size": [64, 64], "seed": 3, "scores": {}}))
    return folder


@pytest.fixture
def no_weights(monkeypatch):
    monkeypatch.setattr(networks, "available", list)


def test_a_run_a_file_and_the_demo_are_offered_by_names_that_tell_them_apart(run, tmp_path, no_weights):
    file = run / "model.safetensors"
    assert offered([str(run), str(file)]) == {"demo/student": run, "model": file}
    assert offered(runs=tmp_path / "runs") == {"demo/student": run}


def test_without_any_network_one_line_tells_how_to_get_one(tmp_path, no_weights, monkeypatch, capsys):
    monkeypatch.setenv("VTRYON_RUNS", str(tmp_path))
    assert main(["app", "--port", "0"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "`vtryon demo`" in line


def test_a_name_of_nothing_is_told_with_what_there_is(no_weights):
    with pytest.raises(WeightsMissingError, match="nothing: no run's folder, no weight file"):
        offered(["nothing"])


def test_a_try_on_comes_with_its_parts_its_cost_and_its_card(run, tmp_path):
    examples = draw_examples(tmp_path / "drawn", count=1)
    person = read_photo(examples.persons[0]).image
    network = Network(run, "cpu")
    dressed = network.dress(person, read_garment(examples.garments[0]))
    assert dressed.image.shape == dressed.changed.shape == person.shape
    assert dressed.warped_cloth.shape == (64, 64, 3)
    assert dressed.mask.shape == (64, 64)
    assert dressed.cost.ms > 0
    assert dressed.cost.mib == (run / "model.safetensors").stat().st_size / 2**20
    assert dressed.cost.gmacs > 0
    assert described(network) == {"name": "student", "seed": 3, "size": [64, 64]}


def test_what_changed_is_dark_where_nothing_did_and_bright_where_all_did():
    photo = np.zeros((2, 2, 3), np.uint8)
    image = photo.copy()
    image[0, 0] = 255
    shown = difference(photo, image).astype(int).sum(-1)
    assert shown[0, 0] > 600
    assert shown[1, 1] < 10


def test_examples_are_drawn_the_same_each_time_and_nobody_wears_what_is_offered(tmp_path):
    first, second = draw_examples(tmp_path / "a", 2), draw_examples(tmp_path / "b", 2)
    assert [path.read_bytes() for path in first.garments] == [path.read_bytes() for path in second.garments]
    assert len({path.read_bytes() for path in (*first.persons, *first.garments)}) == 4


def test_an_address_in_use_is_told_with_the_remedy():
    with bound("127.0.0.1", 0) as listener:
        listener.listen()
        assert listener.getsockname()[0] == "127.0.0.1"
        with pytest.raises(OSError, match="try another --port"):
            bound("127.0.0.1", listener.getsockname()[1])


def test_a_limit_of_nothing_is_refused():
    with pytest.raises(ValueError, match="limit_mib=0"):
        serve(limit_mib=0)
