"""The poller: which callbacks are called, with which events, and how often."""

from __future__ import annotations

import asyncio
import contextlib
import select
import socket
from typing import TYPE_CHECKING

import uvloop

from ghmlops.measure.load.poller import Poller

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def pairs(n: int) -> Iterator[list[tuple[socket.socket, socket.socket]]]:
    with contextlib.ExitStack() as stack:
        sockets = [socket.socketpair() for _ in range(n)]
        for pair in sockets:
            for end in pair:
                stack.enter_context(end)
        yield sockets


def test_a_callback_can_unwatch_a_socket_that_is_ready() -> None:
    """Of two sockets that are ready, the callback of the first unwatches both, so that the second is not called."""
    called: list[int] = []

    async def main() -> None:
        poller = Poller(asyncio.get_running_loop(), lambda: None)
        with pairs(2) as sockets:
            for number, (near, far) in enumerate(sockets):

                def ready(_events: int, number: int = number) -> None:
                    called.append(number)
                    for watched, _ in sockets:
                        poller.unwatch(watched.fileno())

                far.send(b"x")
                poller.watch(near.fileno(), ready)
            while not called:
                await asyncio.sleep(0.001)
            await asyncio.sleep(0.01)
            poller.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(asyncio.wait_for(main(), 30))
    assert len(called) == 1


def test_more_sockets_than_one_poll_returns_are_all_read() -> None:
    """Of a hundred ready sockets each is called with its events; only the one watched for writing is writable."""
    events: dict[int, int] = {}

    async def main() -> None:
        poller = Poller(asyncio.get_running_loop(), lambda: None)
        with pairs(100) as sockets:
            for number, (near, far) in enumerate(sockets):

                def ready(mask: int, number: int = number, near: socket.socket = near) -> None:
                    events[number] = events.get(number, 0) | mask
                    if mask & select.EPOLLIN:
                        near.recv(10)

                far.send(b"x")
                poller.watch(near.fileno(), ready)
                if number == 7:
                    poller.modify(near.fileno(), ready, writing=True)
            while len(events) < 100:
                await asyncio.sleep(0.001)
            for near, _ in sockets:
                poller.unwatch(near.fileno())
            poller.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(asyncio.wait_for(main(), 30))
    assert {number for number, mask in events.items() if mask & select.EPOLLOUT} == {7}
    assert all(mask & select.EPOLLIN for mask in events.values())


def test_each_change_of_readiness_is_reported_once() -> None:
    """Unread data is not reported again; the end of the stream is. `after_poll` follows the callbacks of each poll."""
    events: list[int] = []
    polls: list[int] = []

    async def main() -> None:
        poller = Poller(asyncio.get_running_loop(), lambda: polls.append(len(events)))
        with pairs(1) as ((near, far),):
            poller.watch(near.fileno(), events.append)
            far.send(b"x")
            while len(events) < 1:
                await asyncio.sleep(0.001)
            await asyncio.sleep(0.02)
            assert events == [select.EPOLLIN]
            far.shutdown(socket.SHUT_WR)
            while len(events) < 2:
                await asyncio.sleep(0.001)
            poller.unwatch(near.fileno())
            poller.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(asyncio.wait_for(main(), 30))
    assert events == [select.EPOLLIN, select.EPOLLIN | select.EPOLLRDHUP]
    assert polls[-1] == 2
