"""Watching plain sockets: one `epoll` inside the event loop's own, so that a turn of the loop reads many answers."""

from __future__ import annotations

import select
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Callable

AVAILABLE = hasattr(select, "epoll")
"""False where the system has none; sockets are then read through the loop's transports."""
_A_TURN = 32
"""Most sockets read in one turn, so that sends are not held up."""

_FEW = 3
"""After more than so many at once others may have come meanwhile, and are read without a turn of the loop."""


READ = getattr(select, "EPOLLIN", 0) | getattr(select, "EPOLLRDHUP", 0)
"""What is watched for. Alone, `EPOLLIN` says that there is something to read, and that its sender is still there."""
_EDGE = getattr(select, "EPOLLET", 0)


class Poller:
    """Calls what was registered for a socket with the events it is ready for, and `turned` after each turn.

    A socket is told once for what has come (edge-triggered, which costs the kernel a look at each socket less): who is
    called reads until nothing is left. While it waits to write, it is told for as long as it is ready.
    """

    __slots__ = ("_calls", "_epoll", "_loop", "_turned")

    def __init__(self, loop: AbstractEventLoop, turned: Callable[[], None]) -> None:
        self._loop, self._turned = loop, turned
        self._calls: dict[int, Callable[[int], None]] = {}
        self._epoll = select.epoll()
        loop.add_reader(self._epoll.fileno(), self._turn)

    def watch(self, fd: int, call: Callable[[int], None]) -> None:
        """Call `call` whenever something has come on `fd`, its end too, or it has failed."""
        self._calls[fd] = call
        self._epoll.register(fd, READ | _EDGE)

    def change(self, fd: int, call: Callable[[int], None], *, writing: bool) -> None:
        """Call `call` from now on; also when `fd` can be written, if `writing`."""
        self._calls[fd] = call
        self._epoll.modify(fd, READ | (select.EPOLLOUT if writing else _EDGE))

    def forget(self, fd: int) -> None:
        """Stop watching `fd`, which is still open."""
        self._calls[fd] = _closed
        self._epoll.unregister(fd)

    def close(self) -> None:
        """Stop; what is still watched stays open."""
        self._loop.remove_reader(self._epoll.fileno())
        self._epoll.close()

    def _turn(self) -> None:
        calls, poll, left = self._calls, self._epoll.poll, _A_TURN
        while left > 0:
            ready = poll(0, left)
            for fd, events in ready:
                calls[fd](events)
            if len(ready) <= _FEW:
                break
            left -= len(ready)
        self._turned()


def _closed(_events: int) -> None:
    """A socket that was closed a moment ago, by what was read before it."""
