"""When an answer came: the kernel's stamps on a real socket, what is done without them, what the engine makes of it."""

from __future__ import annotations

import socket
import ssl
import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pytest

import scoring_service
from ghmlops.core.load.call import Call
from ghmlops.core.policy.latency import Request
from ghmlops.measure.load import kernel_timestamps as arrival
from ghmlops.measure.load.engine import run_load
from ghmlops.measure.load.kernel_timestamps import MOST_STAMPED, ArrivalClock, apart, stamps
from ghmlops.measure.load.load import Load
from ghmlops.measure.load.target import parse_target, probe

if TYPE_CHECKING:
    from collections.abc import Iterator

CLOSE = 1e-3
"""Seconds by which two clocks that were not read at the same moment may differ."""


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as near:
        far, _ = server.accept()
        with far:
            if not stamps(near):
                pytest.skip("this kernel does not stamp what it receives")
            yield near, far


def load(url: str, rate: float = 100.0, n: int = 20) -> Load:
    return Load(
        targets=[probe(parse_target(url, "url"), "url")],
        endpoints=[Request(path="/predict", timeout=30.0)],
        calls=[Call(endpoint=0, path="/predict", body=b"{}")],
        order=[0] * n,
        times=np.arange(n) / rate,
        warmup=0,
        block=n,
        second_first=[0] * n,
        connections=8,
        timeout=30.0,
    )


def received(
    told: list[tuple[int, int, bytes]], _into: list[bytearray], _room: int
) -> tuple[int, list[tuple[int, int, bytes]], int, object]:
    """Read three bytes as `recvmsg_into` does, with these control messages."""
    return 3, told, 0, None


def test_what_is_read_late_is_timed_by_when_it_came(pair: tuple[socket.socket, socket.socket]) -> None:
    """Bytes that lie in the socket for 50 ms carry the time at which they came, the last ones of those read at once."""
    near, far = pair
    clock, buffer = ArrivalClock(), [bytearray(100)]
    for _ in range(20):  # the kernel begins to stamp a moment after it was asked
        unstamped = clock.unstamped
        far.send(b"early")
        time.sleep(0.05)
        before = time.monotonic()
        far.send(b"late")
        after = time.monotonic()
        time.sleep(0.05)
        size, came = clock.read(near.recvmsg_into, buffer)
        if clock.unstamped == unstamped:
            break
    assert (size, bytes(buffer[0][:9])) == (9, b"earlylate")
    assert before - CLOSE <= came <= after + CLOSE


def test_without_a_stamp_the_moment_of_reading_counts() -> None:
    """No control message, or another one: the time is now, and it is counted."""
    clock = ArrivalClock()
    others: list[list[tuple[int, int, bytes]]] = [[], [(socket.SOL_SOCKET, socket.SO_TYPE, bytes(16))]]
    for told in others:
        before = time.monotonic()
        size, came = clock.read(partial(received, told), [bytearray(3)])
        assert size == 3
        assert before <= came <= time.monotonic()
    assert clock.unstamped == 2


def test_a_clock_that_is_set_is_not_believed(
    pair: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real-time clock jumps by an hour between two readings: the moment of reading counts, for that reading."""
    near, far = pair
    clock = ArrivalClock()
    apart_before = apart()
    monkeypatch.setattr(arrival, "time", lambda: time.time() + 3600.0)
    far.send(b"x")
    before = time.monotonic()
    _, came = clock.read(near.recvmsg_into, [bytearray(10)])
    assert before <= came <= time.monotonic()
    assert clock.unstamped == 1
    assert abs(apart() - apart_before - 3600.0) < CLOSE


def test_a_stamp_is_never_in_the_future() -> None:
    """A stamp that is later than the reading, by the clocks' steps, is the moment of reading."""
    clock = ArrivalClock()
    late = arrival._TIME.pack(int(time.time()) + 10, 0)
    _, came = clock.read(partial(received, [(1, arrival._STAMPED, late)]), [bytearray(3)])
    assert came <= time.monotonic()


def test_answers_that_came_while_the_process_was_held_are_timed_by_the_kernel() -> None:
    """The generator stands still for a second while answers come: their times do not show it."""
    ticks: list[float] = []

    def hold(sent: int, _seconds: float) -> None:
        if sent == 20:
            ticks.append(time.monotonic())
            if len(ticks) == 3:  # connections have been opened, and all is sent
                time.sleep(1.0)

    with scoring_service.started("--delay", "0.5") as url:
        recording = run_load(replace(load(url, rate=1000.0), connections=20), lambda _: True, hold)
    (answers,) = recording.arms
    if recording.notes["answers_timed_by"] != "kernel":
        pytest.skip("this kernel does not stamp what it receives")
    assert bool(answers.ok.all())
    assert bool((answers.sent <= answers.done).all())
    assert bool((answers.first <= answers.done).all())
    assert float(np.median(answers.done)) < ticks[2] + 0.9


def test_at_high_rates_and_through_tls_the_process_times_all_arms() -> None:
    """One arm with TLS or another protocol, or a rate at which it would cost too much: no arm is stamped."""
    with scoring_service.started() as url:
        given = load(url)
        secure = replace(given.targets[0], tls=ssl.create_default_context())
        assert given.rate == pytest.approx(20 / 0.19)
        assert given.stamped
        assert not replace(given, targets=[given.targets[0], secure]).stamped
        assert not replace(given, protocol="http/2").stamped
        assert not replace(given, times=np.arange(20) / (2 * MOST_STAMPED)).stamped
        assert not replace(given, times=np.zeros(20)).stamped
        recording = run_load(replace(given, times=np.zeros(20)), lambda _: True)
    assert recording.notes["answers_timed_by"] == "process"
    assert recording.notes["answers_not_stamped"] == [0]


def test_a_kernel_that_does_not_stamp_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the socket option is not there, all is measured as before, and the notes say so."""
    monkeypatch.setattr(arrival, "_PROCESSORS", set[str]())
    with scoring_service.started() as url:
        recording = run_load(load(url), lambda _: True)
    assert bool(recording.arms[0].ok.all())
    assert recording.notes["answers_timed_by"] == "process"
