"""Watching sockets: who is called, and who no more."""

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
        made = [socket.socketpair() for _ in range(n)]
        for pair in made:
            for end in pair:
                stack.enter_context(end)
        yield made


def test_a_socket_forgotten_by_what_was_read_before_it_is_not_called() -> None:
    """Two sockets ready at once; whichever comes first forgets the other."""
    called: list[int] = []

    async def main() -> None:
        poller = Poller(asyncio.get_running_loop(), lambda: None)
        with pairs(2) as made:
            for place, (near, far) in enumerate(made):

                def ready(_events: int, place: int = place) -> None:
                    called.append(place)
                    for mine, _ in made:
                        poller.forget(mine.fileno())

                far.send(b"x")
                poller.watch(near.fileno(), ready)
            while not called:
                await asyncio.sleep(0.001)
            await asyncio.sleep(0.01)
            poller.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(asyncio.wait_for(main(), 30))
    assert len(called) == 1


def test_more_sockets_than_one_turn_reads_are_all_read() -> None:
    """A hundred at once: each is called, with the event it is ready for; writing is told where it is asked for."""
    events: dict[int, int] = {}

    async def main() -> None:
        poller = Poller(asyncio.get_running_loop(), lambda: None)
        with pairs(100) as made:
            for place, (near, far) in enumerate(made):

                def ready(found: int, place: int = place, near: socket.socket = near) -> None:
                    events[place] = events.get(place, 0) | found
                    if found & select.EPOLLIN:
                        near.recv(10)

                far.send(b"x")
                poller.watch(near.fileno(), ready)
                if place == 7:
                    poller.change(near.fileno(), ready, writing=True)
            while len(events) < 100:
                await asyncio.sleep(0.001)
            for near, _ in made:
                poller.forget(near.fileno())
            poller.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(asyncio.wait_for(main(), 30))
    assert {place for place, found in events.items() if found & select.EPOLLOUT} == {7}
    assert all(found & select.EPOLLIN for found in events.values())


def test_what_has_come_is_told_once_and_its_end_too() -> None:
    """What is not read is not told again; more of it is, with the end of the stream; a call follows each turn."""
    told: list[int] = []
    turns: list[int] = []

    async def main() -> None:
        poller = Poller(asyncio.get_running_loop(), lambda: turns.append(len(told)))
        with pairs(1) as ((near, far),):
            poller.watch(near.fileno(), told.append)
            far.send(b"x")
            while len(told) < 1:
                await asyncio.sleep(0.001)
            await asyncio.sleep(0.02)
            assert told == [select.EPOLLIN]
            far.shutdown(socket.SHUT_WR)
            while len(told) < 2:
                await asyncio.sleep(0.001)
            poller.forget(near.fileno())
            poller.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(asyncio.wait_for(main(), 30))
    assert told == [select.EPOLLIN, select.EPOLLIN | select.EPOLLRDHUP]
    assert turns[-1] == 2
