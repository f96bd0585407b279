import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_no_module_imports_from_a_floor_above_its_own():
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_help_answers_without_loading_torch():
    heavy = {"torch", "numpy", "hydra", "rich", "pytorch_lightning"}
    code = f"import sys; from vtryon.cli import main; main(['--help']); assert not {heavy} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


def test_a_mistake_in_a_config_is_told_without_loading_torch():
    code = (
        "import sys\nfrom vtryon.config.compose import ConfigError, check_command_line\n"
        "try:\n    check_command_line(['model.generator.ngf=0'])\n"
        "except ConfigError:\n    assert 'torch' not in sys.modules\nelse:\n    raise SystemExit(1)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
