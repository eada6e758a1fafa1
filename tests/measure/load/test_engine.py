"""The generator against a real service: open loop, failures counted by kind, blocks in order, stops and signals."""

from __future__ import annotations

import gc
import os
import signal
import socket
import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import scoring_service
from ghmlops.core.answers import Answers, Kind
from ghmlops.core.calls import Call
from ghmlops.core.policy import Request
from ghmlops.measure.load import connection
from ghmlops.measure.load.engine import Load, Recording, run_load
from ghmlops.measure.load.target import Target, parse_target, probe

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path


def load(
    urls: Sequence[str],
    path: str = "/predict",
    *,
    n: int = 40,
    rate: float = 400.0,
    bodies: Sequence[bytes] = (b'{"a": 1}',),
    targets: Sequence[Target] | None = None,
    **more: Any,
) -> Load:
    arms = targets or [probe(parse_target(url, "url"), "url") for url in urls]
    coins = np.random.default_rng(1).integers(0, 2, n).tolist()
    given: dict[str, Any] = {
        "warmup": 0, "block": 10, "connections": 8, "timeout": 3.0, "second_first": coins,
        "order": [i % len(bodies) for i in range(n)], "times": np.arange(n) / rate,
    }  # fmt: skip
    calls = [Call(endpoint=0, path=path, body=body) for body in bodies]
    return Load(targets=arms, endpoints=[Request(path=path)], calls=calls, **(given | more))


def run(given: Load, on_block: Callable[[Sequence[Answers]], bool] = lambda _: True) -> Recording:
    return run_load(given, on_block)


def kinds(answers: Answers) -> dict[str, int]:
    return {kind.label: count for kind in Kind if (count := answers.count([kind]))}


@pytest.mark.parametrize("path", ["/predict", "/echo", "/chunked", "/empty", "/interim", "/last", "/until-end"])
def test_good_answers_of_every_shape(service: str, path: str) -> None:
    """Lengths, chunks, 204, interim answers, closing servers and bodies that end with the connection are all whole."""
    (answers,) = run(load([service], path)).arms
    assert kinds(answers) == {"ok": 40}
    assert bool((answers.scheduled <= answers.sent).all())
    assert bool((answers.sent <= answers.first).all())
    assert bool((answers.first <= answers.done).all())


def test_connections_closed_while_they_rest_cost_no_request(service: str) -> None:
    """A service that closes kept-alive connections between requests: each request finds a new one."""
    recording = run(load([service], "/rests", n=8, rate=20.0, block=8))
    assert kinds(recording.arms[0]) == {"ok": 8}
    assert recording.notes["waited_for_a_connection"] == [8]


@pytest.mark.parametrize(
    ("path", "kind", "example"),
    [
        ("/status/500", "status", "HTTP/1.1 500 X oops"),
        ("/status/302", "status", "HTTP/1.1 302 X oops"),
        ("/status/429", "status", "HTTP/1.1 429 X oops"),
        ("/unknown", "status", "HTTP/1.1 404 Not Found"),
        ("/close-first", "closed", "before any byte of an answer"),
        ("/close-mid", "closed", "after 80 bytes of an answer: HTTP/1.1 200 OK"),
        ("/reset", "reset", ""),
        ("/garbage", "garbage", "this is not HTTP"),
        ("/twice", "garbage", ""),
    ],
)
def test_failures_are_counted_by_kind_with_an_example(service: str, path: str, kind: str, example: str) -> None:
    """Each request that fails ends as its kind, none hangs, and the first one is kept as an example without headers."""
    recording = run(load([service], path, n=20))
    found = kinds(recording.arms[0])
    if path == "/twice":  # the first answer is whole, and what follows it uninvited costs only the connection
        assert set(found) <= {"ok", "garbage"}
        return
    assert found == {kind: 20}
    ((told, text),) = recording.examples[0].items()
    assert told.label == kind
    assert example in text
    assert "secret" not in text


def test_silence_times_out_from_the_schedule(service: str) -> None:
    """No answer: each request fails at its time-out after its schedule, also those that never got a connection."""
    recording = run(load([service], "/silent", n=20, connections=2, timeout=0.3))
    (answers,) = recording.arms
    assert kinds(answers) == {"timeout": 20}
    assert bool((answers.response >= 0.3).all())
    assert float(answers.response.max()) < 3.0
    assert int((answers.sent == 0).sum()) >= 10
    assert "no byte of an answer" in recording.examples[0][Kind.TIMEOUT] or "no connection" in str(recording.examples)


def test_an_endless_body_is_cut(service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A body beyond the limit ends the request and the connection."""
    monkeypatch.setattr(connection, "MAX_ANSWER", 3_000_000)
    (answers,) = run(load([service], "/endless", n=4, rate=20.0, block=4, timeout=10.0)).arms
    assert kinds(answers) == {"too-large": 4}


def test_a_service_that_goes_away_is_refused() -> None:
    """After the probe nothing listens: every request is counted as refused, and the run ends."""
    with scoring_service.started() as url:
        target = probe(parse_target(url, "url"), "url")
    recording = run(load([], targets=[target]))
    assert kinds(recording.arms[0]) == {"refused": 40}
    assert "refused" in recording.examples[0][Kind.REFUSED].lower()


def test_open_loop_waits_count(tmp_path: Path) -> None:
    """One connection, 50 ms an answer, a request each 10 ms: sends keep the schedule of the queue, response times grow.

    The service time stays at 50 ms; a closed loop would report that alone.
    """
    with scoring_service.started("--delay", "0.05", "--log", str(tmp_path / "log")) as url:
        (answers,) = run(load([url], n=20, rate=100.0, connections=1, timeout=10.0)).arms
    assert kinds(answers) == {"ok": 20}
    assert float(np.median(answers.service)) < 0.5 * float(answers.response[-1])
    assert float(answers.response[-1]) >= 19 * 0.05 + 0.05 - 19 * 0.01
    assert len((tmp_path / "log").read_text().splitlines()) == 20


def test_both_arms_get_the_same_payloads_in_order(tmp_path: Path) -> None:
    """Two services log the same bodies in the same order, the warm-up too, which the recording leaves out."""
    bodies = [b'{"row": %d}' % i for i in range(7)]
    logs = [tmp_path / "a", tmp_path / "b"]
    with scoring_service.started("--log", str(logs[0])) as a, scoring_service.started("--log", str(logs[1])) as b:
        recording = run(load([a, b], n=50, rate=100.0, warmup=10, bodies=bodies, connections=1, timeout=10.0))
    first, second = ([line.split(" ", 1)[1] for line in log.read_text().splitlines()] for log in logs)
    assert first == second == [bodies[i % 7].decode() for i in range(50)]
    assert [len(arm) for arm in recording.arms] == [40, 40]
    assert np.array_equal(recording.arms[0].scheduled, recording.arms[1].scheduled)


def test_the_coin_decides_who_is_written_first(service: str) -> None:
    """With both connections open, the arm that the coin names is written before the other."""
    n = 60
    coins = [i % 2 for i in range(n)]
    given = load([service, service], n=n, second_first=coins, warmup=20, rate=200.0)
    first, second = run(given).arms
    assert coins[20:] == (second.sent < first.sent).astype(int).tolist()


def test_blocks_come_in_order_and_while_the_run_goes_on(service: str) -> None:
    """Each block is handed over once, whole, with its own requests; the last one may be short."""
    sizes: list[tuple[int, int]] = []
    ended: list[bool] = []

    def on_block(arms: Sequence[Answers]) -> bool:
        sizes.append((len(arms[0]), len(arms[1])))
        ended.append(bool((arms[0].done > 0).all() and (arms[1].done > 0).all()))
        return True

    recording = run(load([service, service], n=45), on_block)
    assert sizes == [(10, 10)] * 4 + [(5, 5)]
    assert ended == [True] * 5
    assert len(recording.arms[0]) == 45


def test_stopping_early_sends_no_more(tmp_path: Path) -> None:
    """The third block says stop: the recording holds three blocks, and most of the plan was never sent."""
    log = tmp_path / "log"
    seen: list[int] = []

    def third(_: Sequence[Answers]) -> bool:
        seen.append(1)
        return len(seen) < 3

    with scoring_service.started("--log", str(log)) as url:
        recording = run(load([url], n=2000, rate=500.0), third)
    assert (len(recording.arms[0]), len(seen)) == (30, 3)
    assert len(log.read_text().splitlines()) < 1000
    assert recording.notes["requests_sent"] < 1000


def test_a_bug_in_the_judge_is_not_swallowed(service: str) -> None:
    """An exception of the callback ends the run with itself."""

    def broken(_: Sequence[Answers]) -> bool:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(load([service]), broken)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_interrupt_and_are_put_back(service: str, number: signal.Signals) -> None:
    """A signal ends the run as KeyboardInterrupt; handlers, priority and garbage collection are as before."""
    before = signal.getsignal(number), os.getpriority(os.PRIO_PROCESS, 0), gc.isenabled()
    timer = threading.Timer(1.5, os.kill, (os.getpid(), number))  # well into the run, also on a busy machine
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        run(load([service], n=4000, rate=100.0))
    timer.join()
    assert before == (signal.getsignal(number), os.getpriority(os.PRIO_PROCESS, 0), gc.isenabled())


def test_it_runs_outside_the_main_thread(service: str) -> None:
    """Where no signal can be caught the run works all the same."""
    found: list[Recording] = []
    thread = threading.Thread(target=lambda: found.append(run(load([service]))))
    thread.start()
    thread.join(30)
    assert kinds(found[0].arms[0]) == {"ok": 40}


@pytest.mark.parametrize("times", [np.empty(0), np.array([0.0, 1e5]), np.zeros(1_000_001)])
def test_hard_caps(times: np.ndarray[Any, Any]) -> None:
    """An empty schedule, one of a day and one of a million and one requests are refused."""
    with pytest.raises(ValueError, match="hard caps"):
        run(load([], targets=[parse_target("http://h", "url")], n=0, times=times))


def test_a_service_that_stops_accepting_times_out() -> None:
    """Connections that are never accepted or answered: every request times out, and the run ends."""
    with socket.create_server(("127.0.0.1", 0), backlog=1) as deaf:
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        recording = run(load([url], n=20, timeout=0.4))
    assert kinds(recording.arms[0]) == {"timeout": 20}


def test_the_generator_reports_on_itself(service: str) -> None:
    """Timer, priority, connections and sends are noted, and dispatch times follow the schedule."""
    recording = run(load([service]))
    assert recording.notes["timer"] in ("timerfd", "loop")
    assert isinstance(recording.notes["priority_raised"], bool)
    assert recording.notes["requests_sent"] == 40
    assert 1 <= recording.notes["connections"][0] <= 8
    assert bool((recording.dispatched >= recording.arms[0].scheduled).all())
