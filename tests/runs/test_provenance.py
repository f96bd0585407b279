import json
import shutil
import subprocess

import pytest

from vtryon.runs.provenance import (
    commit,
    config_hash,
    cpu_name,
    provenance,
    versions,
)
from vtryon.runs.state import differences

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def git(folder, *arguments):
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    done = subprocess.run(
        ["git", "-C", folder, *who, *arguments],
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


@pytest.fixture
def checkout(tmp_path):
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "code.py").write_text("1\n")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "first")
    return tmp_path


def test_a_record_is_json_and_names_code_libraries_and_machine():
    record = provenance()
    assert json.loads(json.dumps(record)) == record
    assert record["versions"]["torch"]
    assert record["cpu"]
    assert record["threads"] >= 1
    assert {
        "vtryon",
        "commit",
        "dirty",
        "python",
        "platform",
        "gpu",
        "date",
    } <= record.keys()


@needs_git
def test_a_clean_checkout_gives_its_commit(checkout):
    assert commit(checkout / "package") == {
        "commit": git(checkout, "rev-parse", "HEAD"),
        "dirty": False,
    }


@needs_git
@pytest.mark.parametrize("change", ["package/code.py", "package/new.py"])
def test_an_edited_and_a_new_file_of_the_code_make_it_dirty(checkout, change):
    (checkout / change).write_text("2\n")
    assert commit(checkout / "package")["dirty"] is True


@needs_git
def test_results_of_a_run_do_not_make_it_dirty(checkout):
    (checkout / "runs").mkdir()
    (checkout / "runs" / "row.json").write_text("{}")
    assert commit(checkout / "package")["dirty"] is False


@needs_git
def test_a_package_installed_inside_a_strange_checkout_does_not_claim_its_commit(
    checkout,
):
    installed = checkout / "venv" / "package"
    installed.mkdir(parents=True)
    (installed / "code.py").write_text("1\n")
    assert commit(installed) == {"commit": "unknown", "dirty": None}


def test_without_git_the_commit_is_unknown(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert commit(tmp_path) == {"commit": "unknown", "dirty": None}


def test_a_library_that_is_not_installed_has_no_version():
    assert versions(["torch", "no-such-library"]).keys() == {"torch"}


def test_the_processor_is_named_as_the_system_names_it(tmp_path):
    (tmp_path / "cpuinfo").write_text("processor\t: 0\nmodel name\t: Fast Chip @ 3 GHz\n")
    assert cpu_name(tmp_path / "cpuinfo") == "Fast Chip @ 3 GHz"
    (tmp_path / "cpuinfo").write_text("processor\t: 0\n")
    assert cpu_name(tmp_path / "cpuinfo")


def test_a_config_hash_ignores_order_and_paths_and_sees_values():
    config = {"seed": 1, "data": {"root": "/a", "size": [96, 64]}}
    other = {"data": {"size": (96, 64), "root": "/b"}, "seed": 1}
    assert config_hash(config) != config_hash(other)
    assert config_hash(config, ["data.root"]) == config_hash(other, ["data.root", "no.such.key"])
    assert config_hash(config, ["data.root"]) != config_hash(other | {"seed": 2}, ["data.root"])
    assert config["data"]["root"] == "/a"


def test_work_whose_config_is_missing_is_told_in_one_line(tmp_path):
    told = differences(tmp_path, {"config_hash": "a"}, {"config_hash": "b"}, {"seed": 0})
    assert told == [f"{tmp_path / 'config.yaml'} is missing: what its checkpoints were trained with is not known"]
