"""The engine against a real service: open loop, failures by kind, blocks in order, stopping and signals."""

from __future__ import annotations

import gc
import os
import re
import signal
import socket
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import scoring_service
from ghmlops.core.latency.answers import Answers
from ghmlops.core.latency.kind import Kind
from ghmlops.core.load.call import Call
from ghmlops.core.policy.latency import Expect, JsonCheck, Request
from ghmlops.measure.load.connecting.probe import probe
from ghmlops.measure.load.engine import run_load
from ghmlops.measure.load.load import Load, Recording
from ghmlops.measure.load.protocols import http1_exchange as exchange
from ghmlops.measure.load.target import Target, parse_target

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

PATIENCE = 30.0
"""Time-out in seconds that no request reaches, even on a busy machine."""


def load(
    urls: Sequence[str],
    path: str = "/predict",
    *,
    n: int = 40,
    rate: float = 400.0,
    bodies: Sequence[bytes] = (b'{"a": 1}',),
    targets: Sequence[Target] | None = None,
    request: Request | None = None,
    **more: Any,
) -> Load:
    arms = targets or [probe(parse_target(url, "url"), "url") for url in urls]
    write_order = np.random.default_rng(1).integers(0, 2, n).tolist()
    options: dict[str, Any] = {
        "warmup": 0, "block": 10, "connections": 8, "timeout": PATIENCE, "write_order": write_order,
        "order": [i % len(bodies) for i in range(n)], "times": np.arange(n) / rate,
    }  # fmt: skip
    options |= {
        "calls": [Call(endpoint=0, path=request.path if request else path, body=body) for body in bodies],
        "endpoints": [request or Request(path=path, timeout=PATIENCE)],
    }
    return Load(targets=arms, **(options | more))


def run(planned: Load, on_block: Callable[[Sequence[Answers]], bool] = lambda _: True) -> Recording:
    return run_load(planned, on_block)


def kinds(answers: Answers) -> dict[str, int]:
    return {kind.label: count for kind in Kind if (count := answers.count([kind]))}


@pytest.mark.parametrize(
    "path",
    [
        "/predict", "/echo", "/chunked", "/empty", "/interim", "/last", "/until-end", "/json", "/varied", "/same-size",
        "/trickle",
    ],
)  # fmt: skip
def test_complete_responses_of_every_framing_are_ok(service: str, path: str) -> None:
    """Responses with a length, in chunks, without a body, after interim responses, that close the connection, that end
    with it, in pieces, or of varying length.
    """
    (answers,) = run(load([service], path)).arms
    assert kinds(answers) == {"ok": 40}
    assert bool((answers.scheduled <= answers.sent).all())
    assert bool((answers.sent <= answers.first).all())
    assert bool((answers.first <= answers.done).all())


def test_idle_connections_that_are_closed_fail_no_request(service: str) -> None:
    """If the service closes idle connections, each request is sent on a new one."""
    for _ in range(3):  # on a busy machine the close may be delayed until the next request
        recording = run(load([service], "/rests", n=4, rate=2.0, block=4))
        if kinds(recording.arms[0]) == {"ok": 4}:
            break
    assert kinds(recording.arms[0]) == {"ok": 4}
    assert recording.notes["waited_for_a_connection"] == [4]


@pytest.mark.parametrize(
    ("path", "kind", "example"),
    [
        ("/status/500", "status", "HTTP/1.1 500 X oops"),
        ("/status/503", "status", "HTTP/1.1 503 X oops"),
        ("/status/302", "redirect", "HTTP/1.1 302 X oops"),
        ("/status/429", "throttled", "HTTP/1.1 429 X oops"),
        ("/throttled/429", "throttled", "Retry-After: 7: HTTP/1.1 429 X busy"),
        ("/throttled/503", "throttled", "Retry-After: 7: HTTP/1.1 503 X busy"),
        ("/unknown", "status", "HTTP/1.1 404 Not Found"),
        ("/close-first", "closed", "before the first byte"),
        ("/close-mid", "closed", "after 80 bytes: HTTP/1.1 200 OK"),
        ("/reset", "reset", ""),
        ("/garbage", "garbage", "this is not HTTP"),
        ("/twice", "garbage", ""),
    ],
)
def test_failures_are_counted_by_kind_with_an_example(service: str, path: str, kind: str, example: str) -> None:
    """Each failed request has its kind, none hangs, and the first one is the example, without headers."""
    recording = run(load([service], path, n=20))
    counts = kinds(recording.arms[0])
    if path == "/twice":  # the first response is complete; the unsolicited one ends the connection
        assert set(counts) <= {"ok", "garbage"}
        return
    assert counts == {kind: 20}
    ((example_kind, text),) = recording.examples[0].items()
    assert example_kind.label == kind
    assert example in text
    assert "secret" not in text


def test_time_outs_run_from_the_scheduled_send(service: str) -> None:
    """Without a response each request fails at its time-out after its scheduled send, even if it was never sent."""
    recording = run(load([service], "/silent", n=20, connections=2, timeout=0.3))
    (answers,) = recording.arms
    assert kinds(answers) == {"timeout": 20}
    assert bool((answers.response >= 0.3).all())
    assert float(answers.response.max()) < PATIENCE
    assert int((answers.sent == 0).sum()) >= 10
    assert "no byte" in recording.examples[0][Kind.TIMEOUT] or "no connection" in str(recording.examples)


def test_a_partial_response_times_out(service: str) -> None:
    """The start of a response is not one: the request fails at its time-out, and the example counts the bytes."""
    recording = run(load([service], "/stalls", n=6, rate=100.0, block=6, timeout=2.0))
    assert kinds(recording.arms[0]) == {"timeout": 6}
    example = recording.examples[0][Kind.TIMEOUT]
    assert ("2 s" in example, "80 bytes" in example) == (True, True)


def test_an_endless_body_is_a_failure(service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A body beyond the limit ends the request and the connection."""
    monkeypatch.setattr(exchange, "MAX_RESPONSE_BYTES", 3_000_000)
    (answers,) = run(load([service], "/endless", n=4, rate=20.0, block=4, timeout=10.0)).arms
    assert kinds(answers) == {"too-large": 4}


def test_requests_to_a_closed_port_are_refused() -> None:
    """If the service ends after the probe, every request is counted as refused, and the run ends."""
    with scoring_service.started() as url:
        target = probe(parse_target(url, "url"), "url")
    recording = run(load([], targets=[target]))
    assert kinds(recording.arms[0]) == {"refused": 40}
    assert "refused" in recording.examples[0][Kind.REFUSED].lower()


def test_waiting_for_a_connection_counts_in_an_open_loop(tmp_path: Path) -> None:
    """With one connection, 50 ms per response and a request every 10 ms, response times grow with the queue.

    The service time stays at 50 ms; a closed loop would report only that.
    """
    with scoring_service.started("--delay", "0.05", "--log", str(tmp_path / "log")) as url:
        (answers,) = run(load([url], n=20, rate=100.0, connections=1, timeout=10.0)).arms
    assert kinds(answers) == {"ok": 20}
    assert float(np.median(answers.service)) < 0.5 * float(answers.response[-1])
    assert float(answers.response[-1]) >= 0.7  # 20 responses of 50 ms, less the 190 ms after which it was scheduled
    assert len((tmp_path / "log").read_text().splitlines()) == 20


def test_both_arms_receive_the_same_payloads_in_order(tmp_path: Path) -> None:
    """Two services log the same bodies in the same order, including the warm-up, which the recording omits."""
    bodies = [b'{"row": %d}' % i for i in range(7)]
    logs = [tmp_path / "a", tmp_path / "b"]
    with scoring_service.started("--log", str(logs[0])) as a, scoring_service.started("--log", str(logs[1])) as b:
        recording = run(load([a, b], n=50, rate=100.0, warmup=10, bodies=bodies, connections=1, timeout=10.0))
    first, second = ([line.split(" ", 1)[1] for line in log.read_text().splitlines()] for log in logs)
    assert first == second == [bodies[i % 7].decode() for i in range(50)]
    assert [len(arm) for arm in recording.arms] == [40, 40]
    assert np.array_equal(recording.arms[0].scheduled, recording.arms[1].scheduled)


def test_the_write_order_decides_which_arm_is_written_first(service: str) -> None:
    """With both connections open, the arm that the write order names is written before the other."""
    n = 60
    write_order = [i % 2 for i in range(n)]
    planned = load([service, service], n=n, write_order=write_order, warmup=20, rate=200.0)
    for _ in range(5):  # if the service pauses, a request waits for a connection, independently of the order
        first, second = run(planned).arms
        written = (second.sent < first.sent).astype(int).tolist()
        if written == write_order[20:]:
            break
    assert write_order[20:] == written


def test_blocks_are_reported_in_order_during_the_run(service: str) -> None:
    """Each block is reported once and complete; the last one may be shorter."""
    sizes: list[tuple[int, int]] = []
    complete: list[bool] = []

    def on_block(arms: Sequence[Answers]) -> bool:
        sizes.append((len(arms[0]), len(arms[1])))
        complete.append(bool((arms[0].done > 0).all() and (arms[1].done > 0).all()))
        return True

    recording = run(load([service, service], n=45), on_block)
    assert sizes == [(10, 10)] * 4 + [(5, 5)]
    assert complete == [True] * 5
    assert len(recording.arms[0]) == 45


def test_a_stopped_run_sends_no_more_requests(tmp_path: Path) -> None:
    """If the third call of `on_block` returns False, the recording has three blocks, and most requests are not sent."""
    log = tmp_path / "log"
    calls: list[int] = []

    def stop_at_third(_: Sequence[Answers]) -> bool:
        calls.append(1)
        return len(calls) < 3

    with scoring_service.started("--log", str(log)) as url:
        recording = run(load([url], n=20_000, rate=500.0), stop_at_third)
    assert (len(recording.arms[0]), len(calls)) == (30, 3)
    assert len(log.read_text().splitlines()) < 15_000
    assert recording.notes["requests_sent"] < 15_000


def test_an_exception_of_the_callback_ends_the_run(service: str) -> None:
    """The run raises the exception of `on_block`."""

    def broken(_: Sequence[Answers]) -> bool:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(load([service]), broken)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_interrupts_the_run_and_its_handler_is_restored(service: str, number: signal.Signals) -> None:
    """A signal raises KeyboardInterrupt; handlers, priority and garbage collection are restored."""

    def state() -> tuple[object, ...]:
        return (
            signal.getsignal(number), os.getpriority(os.PRIO_PROCESS, 0), os.sched_getscheduler(0),
            os.sched_getparam(0).sched_priority, gc.isenabled(),
        )  # fmt: skip

    def on_tick(sent: int, _seconds: float) -> None:
        if sent > 10:
            os.kill(os.getpid(), number)

    before = state()
    with pytest.raises(KeyboardInterrupt):
        run_load(load([service], n=4000, rate=100.0), lambda _: True, on_tick)
    assert before == state()


def test_a_run_outside_the_main_thread(service: str) -> None:
    """The run works in a thread, which cannot handle signals."""
    recordings: list[Recording] = []
    thread = threading.Thread(target=lambda: recordings.append(run(load([service]))))
    thread.start()
    thread.join(30)
    assert kinds(recordings[0].arms[0]) == {"ok": 40}


@pytest.mark.parametrize("times", [np.empty(0), np.array([0.0, 1e5]), np.zeros(1_000_001)])
def test_the_hard_limits_of_a_run(times: np.ndarray[Any, Any]) -> None:
    """An empty schedule, one of more than a day and one of a million and one requests are rejected."""
    with pytest.raises(ValueError, match="hard limits"):
        run(load([], targets=[parse_target("http://h", "url")], n=0, times=times))


def test_a_service_that_accepts_no_connection_times_out() -> None:
    """If no connection is accepted, every request times out, and the run ends."""
    with socket.create_server(("127.0.0.1", 0), backlog=1) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        recording = run(load([url], n=20, timeout=0.4))
    assert kinds(recording.arms[0]) == {"timeout": 20}


def test_the_notes_describe_the_generator(service: str) -> None:
    """Timer, priority, connections and sends are reported, and dispatch times follow the schedule."""
    recording = run(load([service]))
    assert recording.notes["timer"] in ("timerfd", "loop")
    assert recording.notes["priority"] in ("real-time", "nice", "none")
    assert recording.notes["priority_raised"] == (recording.notes["priority"] != "none")
    assert recording.notes["requests_sent"] == 40
    assert 1 <= recording.notes["connections"][0] <= 8
    assert bool((recording.dispatch_times >= recording.arms[0].scheduled).all())


@pytest.mark.parametrize(
    ("path", "expect", "example"),
    [
        ("/predict", Expect(contains="score", smallest=14, largest=14), ""),
        ("/predict", Expect(contains="label"), '"label", got "{"score": 0.5}"'),
        ("/predict", Expect(largest=13), "at least 0 and at most 13 bytes, got 14"),
        ("/predict", Expect(smallest=15), "at least 15 bytes, got 14"),
        ("/predict", Expect(json=(JsonCheck(path="score", equals="0.50"),)), ""),
        ("/predict", Expect(json=(JsonCheck(path="score", equals="0.6"),)), "`score` to equal 0.6, got 0.5"),
        ("/json", Expect(json=(JsonCheck(path="outputs[0].name", matches="^sc"),)), ""),
        ("/json", Expect(json=(JsonCheck(path="outputs[1].name", matches="."),)), "`outputs[1].name`"),
        ("/chunked", Expect(contains="cd"), ""),
        ("/chunked", Expect(json=(JsonCheck(path="a", equals="1"),)), 'JSON, got "abcde"'),
        ("/trickle", Expect(contains='"score"', smallest=14), ""),
        ("/status/404", Expect(status=(200, 404), contains="oops"), ""),
        ("/status/302", Expect(status=(302,)), ""),
        ("/throttled/503", Expect(status=(503,)), ""),
    ],
)
def test_responses_are_checked(service: str, path: str, expect: Expect, example: str) -> None:
    """A response passes its checks whether it is parsed or not; otherwise the example states the failed check."""
    recording = run(load([service], path, request=Request(path=path, expect=expect), n=20))
    assert kinds(recording.arms[0]) == {"check" if example else "ok": 20}
    assert example in recording.examples[0].get(Kind.CHECK, "")
    if example:
        assert set(recording.arms[0].status.tolist()) == {200}


def test_a_status_that_is_not_expected_is_a_failure(service: str) -> None:
    """A status of 2xx that the policy does not list is a failure, and the example names the listed ones."""
    recording = run(load([service], request=Request(path="/predict", expect=Expect(status=(201, 202))), n=10))
    assert kinds(recording.arms[0]) == {"status": 10}
    assert "201 or 202: HTTP/1.1 200 OK" in recording.examples[0][Kind.STATUS]


def test_each_endpoint_of_a_mix_has_its_own_checks(service: str) -> None:
    """Checks, shape and the column `endpoint` are those of the endpoint of each request."""
    endpoints = [
        Request(path="/predict", expect=Expect(contains="score")),
        Request(path="/echo", expect=Expect(contains="score")),
    ]
    calls = [Call(endpoint=0, path="/predict", body=b"x"), Call(endpoint=1, path="/echo", body=b"other")]
    mix = load([service], n=40, calls=calls, endpoints=endpoints, order=[i % 2 for i in range(40)])
    (answers,) = run(mix).arms
    assert answers.endpoint is not None
    assert answers.endpoint.tolist() == [0, 1] * 20
    assert answers.kind.tolist() == [Kind.OK, Kind.CHECK] * 20


def test_a_secret_that_the_service_repeats_is_redacted(service: str) -> None:
    """A header value does not appear in the example, although the response contains it."""
    request = Request(path="/whoami", headers={"authorization": "Bearer t0ken-of-ours"})
    recording = run(load([service], "/whoami", request=request, n=10))
    assert kinds(recording.arms[0]) == {"status": 10}
    assert recording.examples[0][Kind.STATUS] == "HTTP/1.1 403 Forbidden no access for …"


@pytest.mark.parametrize(
    ("path", "expect", "kind", "status"),
    [
        ("/status/404", Expect(), Kind.STATUS, 404),
        ("/throttled/503", Expect(), Kind.THROTTLED, 503),
        ("/status/302", Expect(), Kind.REDIRECT, 302),
        ("/predict", Expect(contains="absent"), Kind.CHECK, 200),
        ("/json", Expect(json=(JsonCheck(path="outputs[0].name", matches="^no"),)), Kind.CHECK, 200),
    ],
)
def test_a_private_response_is_not_quoted(service: str, path: str, expect: Expect, kind: Kind, status: int) -> None:
    """With `quotes` off, the example of each kind has the status and nothing that the service sent."""
    recording = run(load([service], request=Request(path=path, expect=expect), n=10, quotes=False))
    assert list(recording.examples[0]) == [kind]
    assert re.fullmatch(rf"status {status}; [a-z ]+ not quoted", recording.examples[0][kind])


def test_a_response_before_the_end_of_the_request(service: str) -> None:
    """The response of a service that rejects a large body is recorded, and the connection is not used again."""
    planned = load([service], "/early", n=4, rate=20.0, block=4, bodies=[b"x" * 20_000_000], timeout=20.0)
    recording = run(planned)
    assert set(kinds(recording.arms[0])) <= {"status", "reset"}
    assert kinds(recording.arms[0]).get("status", 0) > 0
    assert "413" in recording.examples[0][Kind.STATUS]


def test_large_requests_and_responses(service: str) -> None:
    """A body that exceeds the socket buffers is sent and received completely."""
    body = bytes(range(256)) * 8192
    expect = Expect(smallest=len(body), largest=len(body))
    planned = load(
        [service], request=Request(path="/echo", expect=expect), path="/echo", n=6, rate=20.0, block=6, bodies=[body]
    )
    (answers,) = run(replace(planned, timeout=20.0)).arms
    assert kinds(answers) == {"ok": 6}


def test_queued_requests_are_sent_in_order(tmp_path: Path) -> None:
    """A schedule whose times are all 0 is a closed loop: every free connection sends the next request."""
    bodies = [b"%d" % i for i in range(500)]
    with scoring_service.started("--log", str(tmp_path / "log")) as url:
        recording = run(load([url], n=500, bodies=bodies, times=np.zeros(500), connections=1, timeout=30.0))
    assert kinds(recording.arms[0]) == {"ok": 500}
    received = [line.split(" ", 1)[1] for line in (tmp_path / "log").read_text().splitlines()]
    assert received == [body.decode() for body in bodies]
    assert recording.notes["connections"] == [1]


def test_each_endpoint_has_its_own_time_out(service: str) -> None:
    """Of two endpoints that never respond, one times out after 0.1 s and the other after 1 s, also in the queue: a
    request with a long time-out does not delay the time-outs behind it.
    """
    endpoints = [Request(path="/silent", timeout=1.0), Request(path="/silent", timeout=0.1)]
    calls = [Call(endpoint=endpoint, path="/silent", body=b"") for endpoint in (0, 1)]
    mix = load([service], n=20, endpoints=endpoints, calls=calls, order=[0, 1] * 10, connections=1, timeout=30.0)
    (answers,) = run(mix).arms
    assert kinds(answers) == {"timeout": 20}
    assert answers.endpoint is not None
    long, short = answers.response[answers.endpoint == 0], answers.response[answers.endpoint == 1]
    assert (float(long.min()) >= 1.0, float(short.min()) >= 0.1) == (True, True)
    assert float(short.min()) < float(long.min())


def test_a_response_after_its_time_out_is_a_failure(service: str) -> None:
    """A response that arrives between its time-out and the next check for time-outs is a failure."""
    request = Request(path="/trickle", timeout=0.001)  # takes some 80 ms
    recording = run(load([service], n=20, request=request, connections=20, rate=100.0))
    assert kinds(recording.arms[0]) == {"timeout": 20}
    early = Request(path="/predict", timeout=1e-6)
    recording = run(load([service], n=20, request=early))
    assert kinds(recording.arms[0]) == {"timeout": 20}
    assert recording.arms[0].status.tolist() == [0] * 20
    assert "1e-06 s" in recording.examples[0][Kind.TIMEOUT]
