"""SIGTERM and SIGUSR1 end a run in good order, with a code that batch systems take for "start it again"."""

import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

REQUEUE = 75  # EX_TEMPFAIL of sysexits.h
SIGNALS = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGUSR1") if hasattr(signal, name))


class Stopped(SystemExit):
    """The run was told to stop, and what it has learnt is saved."""

    def __init__(self, by: str):
        super().__init__(REQUEUE)
        self.by = by

    def __str__(self) -> str:
        return f"by {self.by}"


@contextmanager
def leaving_on_signals() -> Iterator[None]:
    """Raise `Stopped` where a signal arrives: for the parts of a run that have nothing to save."""
    handlers = listen(_leave, SIGNALS)
    try:
        yield
    finally:
        restore(handlers)


def listen(handler: Callable[[int, Any], None], signals: Iterable[int]) -> dict[int, Any]:
    """Let `handler` have the signals; returns who had them. Only a process's main thread is told of signals."""
    if threading.current_thread() is not threading.main_thread():
        return {}
    return {number: signal.signal(number, handler) for number in signals}


def restore(handlers: dict[int, Any]) -> None:
    for number, handler in handlers.items():
        signal.signal(number, signal.SIG_DFL if handler is None else handler)


def schedulers_own() -> tuple[int, ...]:
    """SIGUSR2 where somebody listens: submitit requeues its job in a handler that it has set itself."""
    number = getattr(signal, "SIGUSR2", None)
    return (number,) if number is not None and callable(signal.getsignal(number)) else ()


def leave(number: int, previous_handlers: dict[int, Any]) -> None:
    """End the process; where a scheduler listens for this signal, by way of its handler.

    Raises:
        Stopped: unless that handler ends the process itself.
    """
    if number not in SIGNALS and callable(previous_handlers.get(number)):
        previous_handlers[number](number, None)
    raise Stopped(signal.Signals(number).name)


def _leave(number: int, _: Any) -> None:
    raise Stopped(signal.Signals(number).name)
