"""Deployment: networks as files, on runtimes, on photos, on a board."""

import sys

# OpenVINO and NNCF report their use over the network from a forked process; where that locks itself up, ours never ends
sys.modules.setdefault("openvino_telemetry", None)  # an import of it fails, which both take for "not installed"
