"""Kernel timestamps: on a real socket, the fallback without them, and their use by the engine."""

from __future__ import annotations

import socket
import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pytest

import scoring_service
from ghmlops.core.load.call import Call
from ghmlops.core.policy.latency import Request
from ghmlops.measure.load import kernel_timestamps
from ghmlops.measure.load.connecting.probe import probe
from ghmlops.measure.load.engine import run_load
from ghmlops.measure.load.kernel_timestamps import ArrivalClock, clock_offset, enable_timestamps
from ghmlops.measure.load.load import Load
from ghmlops.measure.load.target import parse_target

if TYPE_CHECKING:
    from collections.abc import Iterator

TOLERANCE = 0.1
"""Seconds by which two clocks that are read one after the other may differ on a busy machine."""
PAUSE = 0.3
"""Seconds between two events whose times must not be confused, several times `TOLERANCE`."""


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as near:
        far, _ = server.accept()
        with far:
            if not enable_timestamps(near):
                pytest.skip("this kernel does not provide timestamps")
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
        write_order=[0] * n,
        connections=8,
        timeout=30.0,
    )


def fake_recvmsg_into(
    control: list[tuple[int, int, bytes]], _buffers: list[bytearray], _control_bytes: int
) -> tuple[int, list[tuple[int, int, bytes]], int, object]:
    """Return as `recvmsg_into` does after reading three bytes with these control messages."""
    return 3, control, 0, None


def test_data_that_is_read_late_has_its_time_of_arrival(pair: tuple[socket.socket, socket.socket]) -> None:
    """Bytes that are read `PAUSE` after their arrival have the time of arrival, that of the last byte in each read."""
    near, far = pair
    clock, buffer = ArrivalClock(), [bytearray(100)]
    for _ in range(20):  # the kernel enables timestamps with a delay
        unstamped = clock.unstamped
        far.send(b"early")
        time.sleep(PAUSE)
        before = time.monotonic()
        far.send(b"late")
        after = time.monotonic()
        time.sleep(PAUSE)
        size, arrival = clock.read(near.recvmsg_into, buffer)
        if clock.unstamped == unstamped:
            break
    assert (size, bytes(buffer[0][:9])) == (9, b"earlylate")
    assert before - TOLERANCE <= arrival <= after + TOLERANCE


def test_without_a_timestamp_the_time_of_reading_is_used() -> None:
    """A read without control message, or with another one, has the current time, and is counted."""
    clock = ArrivalClock()
    others: list[list[tuple[int, int, bytes]]] = [[], [(socket.SOL_SOCKET, socket.SO_TYPE, bytes(16))]]
    for control in others:
        before = time.monotonic()
        size, arrival = clock.read(partial(fake_recvmsg_into, control), [bytearray(3)])
        assert size == 3
        assert before <= arrival <= time.monotonic()
    assert clock.unstamped == 2


def test_a_timestamp_is_ignored_after_the_clock_was_set(
    pair: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the real-time clock jumps by an hour between two reads, the second one has the time of reading."""
    near, far = pair
    clock = ArrivalClock()
    offset_before = clock_offset()
    monkeypatch.setattr(kernel_timestamps, "time", lambda: time.time() + 3600.0)
    far.send(b"x")
    before = time.monotonic()
    _, arrival = clock.read(near.recvmsg_into, [bytearray(10)])
    assert before <= arrival <= time.monotonic()
    assert clock.unstamped == 1
    assert abs(clock_offset() - offset_before - 3600.0) < TOLERANCE


def test_no_time_of_arrival_is_in_the_future() -> None:
    """A timestamp that is later than the time of reading is replaced by it."""
    clock = ArrivalClock()
    late = kernel_timestamps._TIMESPEC.pack(int(time.time()) + 10, 0)
    _, arrival = clock.read(partial(fake_recvmsg_into, [(1, kernel_timestamps._SO_TIMESTAMPNS, late)]), [bytearray(3)])
    assert arrival <= time.monotonic()


def test_a_pause_of_the_process_does_not_affect_times() -> None:
    """The process sleeps for two seconds while responses arrive: their times are those of their arrival."""
    ticks: list[float] = []

    def pause(sent: int, _seconds: float) -> None:
        if sent == 20:
            ticks.append(time.monotonic())
            if len(ticks) == 3:  # all connections are open and all requests are sent
                time.sleep(2.0)

    with scoring_service.started("--delay", "0.5") as url:
        recording = run_load(replace(load(url, rate=1000.0), connections=20), lambda _: True, pause)
    (answers,) = recording.arms
    if recording.notes["answers_timed_by"] != "kernel":
        pytest.skip("this kernel does not provide timestamps")
    assert bool(answers.ok.all())
    assert bool((answers.sent <= answers.done).all())
    assert bool((answers.first <= answers.done).all())
    assert float(np.median(answers.done)) < ticks[2] + 1.8


def test_at_high_rates_the_process_times_the_responses() -> None:
    """A load that does not use kernel timestamps is timed by the process, and the notes report that."""
    with scoring_service.started() as url:
        recording = run_load(replace(load(url), times=np.zeros(20)), lambda _: True)
    assert recording.notes["answers_timed_by"] == "process"
    assert recording.notes["answers_not_stamped"] == [0]


def test_the_notes_report_a_kernel_without_timestamps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the socket option the process times the responses, and the notes report that."""
    monkeypatch.setattr(kernel_timestamps, "_ARCHITECTURES", set[str]())
    with scoring_service.started() as url:
        recording = run_load(load(url), lambda _: True)
    assert bool(recording.arms[0].ok.all())
    assert recording.notes["answers_timed_by"] == "process"
