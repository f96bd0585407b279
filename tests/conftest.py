import logging
import os
import sys

# small networks gain nothing from threads, and on a busy machine they lose much by waiting for each other
os.environ["OMP_NUM_THREADS"] = "1"

import pytest
import torch

import vtryon  # noqa: F401 (before Lightning, which imports torchvision)

torch.set_num_threads(1)

try:  # which tensorboard imports
    from absl import logging as absl_logging
except ImportError:
    pass
else:  # its handler closes the stream that it began with, once logging is configured anew: not the one pytest reads
    absl_logging.get_absl_handler().python_handler.stream = sys.__stderr__


def _skip_without_inc():
    """Skip what trains int8 where its library cannot be: it wants numpy < 2, of which Python 3.13 has no wheels."""
    try:
        return (yield)
    except ImportError as error:
        if sys.version_info >= (3, 13) and "vtryon[inc]" in str(error):
            pytest.skip(f"no int8 in training on Python {sys.version_info.major}.{sys.version_info.minor}: {error}")
        raise


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item):
    return (yield from _skip_without_inc())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    return (yield from _skip_without_inc())


@pytest.fixture(autouse=True)
def _loggers_are_on():
    """Turn the project's loggers on again: libraries set up logging for the whole process."""
    logging.disable(logging.NOTSET)
    logging.getLogger().setLevel(logging.WARNING)
    for name, logger in logging.root.manager.loggerDict.items():
        if name.partition(".")[0] == "vtryon" and isinstance(logger, logging.Logger):
            logger.disabled, logger.propagate = False, True
            logger.setLevel(logging.NOTSET)


@pytest.fixture
def warned():
    """The warnings of the project, as they are said; libraries take handlers from the root logger, pytest's too."""
    said = []

    class Listener(logging.Handler):
        def emit(self, record):
            said.append(record.getMessage())

    listener, project = Listener(logging.WARNING), logging.getLogger("vtryon")
    project.addHandler(listener)
    yield said
    project.removeHandler(listener)


@pytest.fixture(scope="session")
def chain(tmp_path_factory):
    """All stages of the demo, two steps each: the folder of their runs, and beside it cache/ with their pictures."""
    from vtryon.cli import main

    place = tmp_path_factory.mktemp("chain")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VTRYON_CACHE", str(place / "cache"))
        assert main(["demo", "--runs", str(place / "demo"), "debug=smoke", "trainer=cpu"]) == 0
    return place / "demo"
