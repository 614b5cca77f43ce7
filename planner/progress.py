"""What long work is at, for whoever looks: nobody, unless a command listens.

with listening(lambda text: click.echo(text, err=True)):
    plan = solve(scenario)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_listener: ContextVar[Callable[[str], None] | None] = ContextVar("listener", default=None)


def note(text: str) -> None:
    """Tell what is being done, where somebody listens."""
    listener = _listener.get()
    if listener is not None:
        listener(text)


@contextmanager
def listening(listener: Callable[[str], None] | None) -> Iterator[None]:
    """Pass what is noted inside to ``listener``; to nobody where it is None."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)
