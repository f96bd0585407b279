"""Annotations become checks while the tests run; an int may stand for a float, as in any YAML file."""

from functools import wraps

from beartype import BeartypeConf, beartype
from torch.fx import Proxy

_strict = beartype(conf=BeartypeConf(is_pep484_tower=True))


def check(function):
    """Check the arguments, unless torch.fx traces the function: then they are no tensors, but stand for some.

    The check is compiled at the first call, not at import: a test run calls few of the package's functions.
    """
    if isinstance(function, type) or not callable(function):
        return _strict(function)
    checked = None

    @wraps(function)
    def unless_traced(*args, **kwargs):
        nonlocal checked
        if any(isinstance(value, Proxy) for value in _flat((*args, *kwargs.values()))):
            return function(*args, **kwargs)
        checked = checked or _strict(function)
        return checked(*args, **kwargs)

    return unless_traced


def _flat(values):
    for value in values:
        if isinstance(value, tuple):
            yield from _flat(value)
        else:
            yield value
