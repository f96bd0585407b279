"""Which module of a network an operation of its exported graph comes from, and the block whose time it takes."""

import re

import openvino

BLOCKS = {  # name: of its modules' names, by their beginning; the first that fits
    "encoders": r"warp\.(image|cond)_features",
    "pyramids": r"warp\.(image|cond)_FPN",
    "flow": r"warp\.aflow_net\.net(Main|Refine)",
    "sampling": r"warp\.aflow_net",  # cost volumes, and features and flows that are sampled, between the flow's layers
    "generator": r"generator",
    "rest": r"",  # what is warped and composed at the end, and copies of the inputs
}


def module_of(operation: str) -> str | None:
    """The module that an operation of an exported graph comes from; None for constants, inputs and outputs.

    Example:
        >>> module_of("__module.net.warp.aflow_net/aten::add/Add")  # OpenVINO
        'warp.aflow_net'
        >>> module_of("/net/warp/aflow_net/netMain.0/netMain.0.6/Conv")  # ONNX
        'warp.aflow_net.netMain.0.6'
    """
    if operation.startswith("__module.net"):
        module, slash, _ = operation.removeprefix("__module.net").partition("/")
        return module.lstrip(".") if slash else None
    scopes = operation.split("/")
    if scopes[:2] != ["", "net"]:
        return None
    module, parent = "", ""
    for scope in scopes[2:-1]:  # a child of a Sequential repeats its parent's name
        module += scope.removeprefix(parent) if parent and scope.startswith(f"{parent}.") else f".{scope}"
        parent = scope
    return module.lstrip(".")


def module_of_node(operation: openvino.Node) -> str | None:
    """As `module_of`; a convolution that was folded with its norm has no name, and takes that of the norm's shift."""
    module = module_of(operation.get_friendly_name())
    if module is None and operation.get_type_name() == "Convolution":
        (consumer,) = operation.output(0).get_target_inputs()
        module = module_of(consumer.get_node().get_friendly_name())
    return module


def block_of(module: str) -> str:
    """The block that a module of a try-on network belongs to.

    Example:
        >>> block_of("warp.aflow_net.netMain.0.6"), block_of("warp.aflow_net"), block_of("generator.model.model.0")
        ('flow', 'sampling', 'generator')
    """
    return next(block for block, pattern in BLOCKS.items() if re.match(pattern, module))
