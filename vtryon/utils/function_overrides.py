"""Functions that take the place of others while a network runs or is traced."""

from collections.abc import Callable, Mapping

from torch.overrides import TorchFunctionMode

Operations = Mapping[Callable, Callable]


class Replaced(TorchFunctionMode):
    """Inside the block each key of `operations`, a function of torch's, is answered by its value.

    Example:
        >>> import torch
        >>> with Replaced({torch.neg: torch.abs}):
        ...     torch.neg(torch.tensor(-2.0))
        tensor(2.)
    """

    def __init__(self, operations: Operations):
        super().__init__()
        self.operations = operations

    def __torch_function__(self, func, types, args=(), kwargs=None):
        return self.operations.get(func, func)(*args, **(kwargs or {}))
