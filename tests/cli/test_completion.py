"""The Tab key in bash, zsh and fish, each asked in the shell itself: verbs, options, recipes and keys."""

import os
import select
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from vtryon.cli import main
from vtryon.cli.completion import BASH

ROOT = Path(__file__).parents[2]
ASKED = [  # what is typed before the Tab key, and what follows
    ("vtryon re", ["recipes", "report", "reproduce"]),
    ("vtryon run experiment=t1_", ["experiment=t1_cwm_pruning", "experiment=t1_sizes"]),
    ("vtryon run experiment=distill model.gen", ["model.generator."]),
    ("vtryon run -m training=by", ["training=by_both", "training=by_task", "training=by_teacher"]),
    ("vtryon run debug=", [f"debug={name}" for name in ("fast", "limit", "overfit", "profiler", "smoke")]),
    ("vtryon export --to o", ["onnx", "openvino"]),
]


def needs(shell: str):
    return pytest.mark.skipif(shutil.which(shell) is None, reason=f"{shell} is not installed: apt-get install {shell}")


def complete_in_bash(line: str) -> list[str]:
    """What bash would offer after `line`: its completion function is called as readline calls it."""
    vtryon = f'vtryon() {{ {sys.executable} -m vtryon "$@"; }}\n'
    ask = (
        f"COMP_LINE='{line}'; COMP_POINT={len(line)}; _vtryon_completion vtryon 2>/dev/null; echo \"${{COMPREPLY[*]}}\""
    )
    done = subprocess.run(["bash", "-c", f"{vtryon}{BASH}\n{ask}"], capture_output=True, text=True, check=False)
    return done.stdout.split()


@pytest.fixture
def command(tmp_path, monkeypatch):
    """`vtryon` as a shell finds it: a file of that name on PATH."""
    file = tmp_path / "bin" / "vtryon"
    file.parent.mkdir()
    file.write_text(f'#!/bin/sh\nexec {sys.executable} -m vtryon "$@"\n')
    file.chmod(0o755)
    monkeypatch.setenv("PATH", f"{file.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", f"{ROOT}:{os.environ.get('PYTHONPATH', '')}")
    return file


def type_in_zsh(line: str, folder: Path) -> str:
    """The screen of an interactive zsh after `line` and two presses of the Tab key."""
    import pty

    folder.joinpath(".zshrc").write_text(
        "PS1='> '; bindkey -e; autoload -U compinit; compinit -D; source <(vtryon completion zsh)\n"
    )
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ |= {"ZDOTDIR": str(folder), "TERM": "dumb", "COLUMNS": "200"}
        os.execvp("zsh", ["zsh", "-d", "-i"])
    screen = ""
    try:
        screen = _read(terminal, "> ")
        os.write(terminal, f"{line}\t".encode())
        screen = _read(terminal, "\0", quiet=3)
        os.write(terminal, b"\t")
        screen += _read(terminal, "\0", quiet=2)
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(terminal)
    return screen.replace("\a", "")


def _read(terminal: int, until: str, quiet: float = 30) -> str:
    """What a terminal shows until it shows `until`, or has been quiet for some seconds."""
    shown = ""
    while until not in shown and select.select([terminal], [], [], quiet)[0]:
        shown += os.read(terminal, 65536).decode(errors="replace")
    return shown


@needs("bash")
@pytest.mark.parametrize(("line", "offers"), ASKED)
def test_the_tab_key_of_bash_completes_verbs_recipes_and_keys(line, offers):
    assert complete_in_bash(line) == [offer.rpartition("=")[2] for offer in offers]  # bash takes words apart at =


@needs("fish")
@pytest.mark.slow
@pytest.mark.parametrize(("line", "offers"), ASKED)
def test_the_tab_key_of_fish_completes_verbs_recipes_and_keys(line, offers, command):
    ask = f"vtryon completion fish | source; complete -C '{line}'"
    done = subprocess.run(["fish", "-c", ask], capture_output=True, text=True, check=False)
    assert [offer.partition("\t")[0] for offer in done.stdout.splitlines()] == offers


@needs("zsh")
@pytest.mark.slow
@pytest.mark.parametrize(("line", "offers"), ASKED)
def test_the_tab_key_of_zsh_completes_verbs_recipes_and_keys(line, offers, command, tmp_path):
    screen = type_in_zsh(line, tmp_path)
    assert all(offer in screen for offer in offers), screen


@needs("zsh")
@pytest.mark.slow
def test_in_zsh_no_space_follows_a_key_so_that_its_value_can_be_typed(command, tmp_path):
    assert type_in_zsh("vtryon run model.generator.ng", tmp_path).rstrip("\r\n").endswith("f=")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_a_script(shell, capsys):
    assert main(["completion", shell]) == 0
    assert "vtryon" in capsys.readouterr().out
