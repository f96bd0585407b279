"""Annotations become checks while the tests run; an int may stand for a float, as in any YAML file."""

from functools import wraps

from beartype import BeartypeConf, beartype
from torch.fx import Proxy

_strict = beartype(conf=BeartypeConf(is_pep484_tower=True))


def check(function):
    """Check the arguments, unless torch.fx traces the function: then they are no tensors, but stand for some."""
    checked = _strict(function)

    @wraps(function)
    def unless_traced(*args, **kwargs):
        if any(isinstance(value, Proxy) for value in _flat((*args, *kwargs.values()))):
            return function(*args, **kwargs)
        return checked(*args, **kwargs)

    return unless_traced if callable(function) and not isinstance(function, type) else checked


def _flat(values):
    for value in values:
        if isinstance(value, tuple):
            yield from _flat(value)
        else:
            yield value
