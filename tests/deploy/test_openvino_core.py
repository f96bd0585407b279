"""Opening and quantizing networks leaves the process as it was: it takes signals after them, whichever ended first."""

import ctypes
import sys

import openvino
import pytest
from narrow import net_of
from quantized_nets import pictures

from vtryon.deploy.export.post_training import quantize_openvino
from vtryon.deploy.runtime.openvino_core import core, in_own_thread
from vtryon.deploy.runtime.openvino_graph import openvino_graph
from vtryon.deploy.runtime.openvino_runtime import OpenVINORuntime

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="signal stacks are read as Linux keeps them"),
]


class Stack(ctypes.Structure):
    _fields_ = (("start", ctypes.c_void_p), ("flags", ctypes.c_int), ("size", ctypes.c_size_t))


def stack_start() -> int | None:
    """Where this thread's handlers find their stack."""
    found = Stack()
    assert ctypes.CDLL(None).sigaltstack(None, ctypes.byref(found)) == 0
    return found.start


def test_networks_that_close_in_the_order_in_which_they_opened_leave_the_signal_stack_alone():
    before = stack_start()
    graph = openvino_graph(net_of(), (64, 64), batch=None)
    opened = [OpenVINORuntime(graph.clone(), size=(64, 64)) for _ in range(2)]
    assert stack_start() == before
    while opened:
        opened.pop(0)
        assert stack_start() == before


def test_quantizing_leaves_the_signal_stack_alone():
    before = stack_start()
    graph = openvino_graph(net_of(), (64, 64), batch=None)
    for seed in range(2):
        quantize_openvino(graph.clone(), net_of(), [pictures(seed)])
        assert stack_start() == before


def test_cores_that_end_in_the_order_in_which_they_began_change_the_stack_of_their_thread_alone():
    def two_cores() -> bool:
        usual, cores = stack_start(), [openvino.Core() for _ in range(2)]
        for number in range(2):
            cores[number].get_property("CPU", "FULL_DEVICE_NAME")
        while cores:
            cores.pop(0)
        return stack_start() == usual

    before = stack_start()
    assert not in_own_thread(two_cores)  # once this fails, OpenVINO has mended it: no thread of its own is needed
    assert stack_start() == before


def test_the_process_has_one_core():
    assert core() is core()
