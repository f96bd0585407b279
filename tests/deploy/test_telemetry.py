"""OpenVINO and NNCF send no reports of their use."""

import subprocess
import sys

CODE = """
import vtryon.deploy.export.formats
import nncf.telemetry.wrapper as nncf
import openvino.tools.ovc.telemetry_utils as ovc
print(ovc.tm.__name__, nncf.telemetry.__class__.__name__, "openvino_telemetry.main" in __import__("sys").modules)
"""


def test_runtimes_report_nothing_over_the_network():
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["openvino.tools.ovc.telemetry_stub", "MagicMock", "False"]
