"""Watches plain sockets with one `epoll` inside the event loop, so that one iteration of the loop reads many."""

from __future__ import annotations

import select
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Callable

AVAILABLE = hasattr(select, "epoll")
"""False if the platform has no `epoll`; sockets are then read through transports of the loop."""
_MAX_EVENTS = 32
"""Maximum number of events per iteration of the loop, so that sends are not delayed by reading."""
_POLL_AGAIN_ABOVE = 3
"""After more events than this, others have probably become ready and are polled in the same iteration of the loop."""
READ = getattr(select, "EPOLLIN", 0) | getattr(select, "EPOLLRDHUP", 0)
"""Events that are watched. `EPOLLIN` alone means that there is data and that the peer has not closed the connection."""
_EDGE = getattr(select, "EPOLLET", 0)


class Poller:
    """Calls the callback of each ready socket with its events, and `after_poll` once they all have been called.

    Edge-triggered: one notification per change of readiness, which saves the kernel one check per socket. A callback
    must therefore read until the socket is empty. While a socket waits for writing it is level-triggered.
    """

    __slots__ = ("_after_poll", "_callbacks", "_epoll", "_loop")

    def __init__(self, loop: AbstractEventLoop, after_poll: Callable[[], None]) -> None:
        self._loop, self._after_poll = loop, after_poll
        self._callbacks: dict[int, Callable[[int], None]] = {}
        self._epoll = select.epoll()
        loop.add_reader(self._epoll.fileno(), self._poll)

    def watch(self, fd: int, callback: Callable[[int], None]) -> None:
        """Call `callback` whenever `fd` has data or is closed by the peer, or has failed."""
        self._callbacks[fd] = callback
        self._epoll.register(fd, READ | _EDGE)

    def modify(self, fd: int, callback: Callable[[int], None], *, writing: bool) -> None:
        """Replace the callback of `fd`; with `writing` it is also called whenever `fd` is writable."""
        self._callbacks[fd] = callback
        self._epoll.modify(fd, READ | (select.EPOLLOUT if writing else _EDGE))

    def unwatch(self, fd: int) -> None:
        """Stop watching `fd`, which must still be open."""
        self._callbacks[fd] = _ignore
        self._epoll.unregister(fd)

    def close(self) -> None:
        """Stop watching; the sockets stay open."""
        self._loop.remove_reader(self._epoll.fileno())
        self._epoll.close()

    def _poll(self) -> None:
        callbacks, poll, budget = self._callbacks, self._epoll.poll, _MAX_EVENTS
        while budget > 0:
            ready = poll(0, budget)
            for fd, events in ready:
                callbacks[fd](events)
            if len(ready) <= _POLL_AGAIN_ABOVE:
                break
            budget -= len(ready)
        self._after_poll()


def _ignore(_events: int) -> None:
    """Callback of a socket that the callback of an earlier event of the same poll has closed."""
