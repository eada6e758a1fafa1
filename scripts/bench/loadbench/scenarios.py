"""What is measured: one function a scenario gives the figures of one run of one generator."""

from __future__ import annotations

import os
import random
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from . import child, starved
from .child import BenchError
from .peers import PEERS, installed
from .tools import PEER_TOOLS, QUANTILES, Job, Report, Tool, ours, run
from .truth import Log, Server, Service, open_loop, quantile, serving

CONNECTIONS = 64
MOST = 512
"""Connections of a tool that opens more when it needs them: the stall holds back 500 requests."""
STALL = (1.5, 0.5)
STALL_RATE, STALL_SECONDS = 1000.0, 4.0
"""An eighth of the requests is due in the stall: so p90 lies within it."""
OPEN_RATE = 30_000.0
MEMORY_RATE, MEMORY_SECONDS = 5000.0, 30.0
DELAYS = (0.002, 0.7)
"""Median in seconds and sigma of the log-normal delays: p99 is 10 ms, p99.9 17 ms."""

Figures = dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What every run shares: the server's program, the cores, the seconds of a run, the peers that may take part."""

    program: Path
    server_core: int
    client_core: int
    seconds: float
    peers: frozenset[str]

    def tools(self, *names: str) -> list[Tool]:
        """Return the peers' rows of these names that are installed."""
        there = {peer.name for peer in PEERS if peer.name in self.peers and installed(peer)}
        return [tool for tool in PEER_TOOLS if tool.name in names and tool.peer in there]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A named measurement.

    Attributes:
        tools: the rows.
        measure: one run of one row, with a seed that is the round's.
        rounds: at most so many; 0: as many as are asked for.
    """

    name: str
    title: str
    tools: Callable[[Bench], list[Tool]]
    measure: Callable[[Bench, Tool, int], Figures]
    rounds: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One run: its figures, or why there are none."""

    scenario: str
    round: int
    tool: str
    figures: Figures
    error: str = ""


def rounds(scenario: Scenario, bench: Bench, count: int) -> Iterator[Record]:
    """Run every row once a round, in another order each round."""
    for number in range(min(count, scenario.rounds or count)):
        tools = scenario.tools(bench)
        random.Random(number).shuffle(tools)  # noqa: S311  (an order, no secret)
        for tool in tools:
            try:
                figures, error = scenario.measure(bench, tool, number + 1), ""
            except BenchError as failure:
                figures, error = {}, str(failure)
            yield Record(scenario=scenario.name, round=number, tool=tool.name, figures=figures, error=error)


def _run(
    bench: Bench, tool: Tool, service: Service, job: Callable[[Server, Path, Path], Job]
) -> tuple[child.Done, Report, Log]:
    program = next((found for peer in PEERS if peer.name == tool.peer and (found := installed(peer))), Path())
    with tempfile.TemporaryDirectory() as folder:
        with serving(bench.program, service, bench.server_core) as server:
            done, report = run(tool, job(server, Path(folder), program), bench.client_core)
        if not report.good or report.failed:
            raise BenchError(f"{report.failed} of {report.good + report.failed} requests failed {report.more}")
        return done, report, server.log


def _job(rate: float, seconds: float) -> Callable[[Server, Path, Path], Job]:
    return lambda server, folder, program: Job(
        url=server.url,
        rate=rate,
        seconds=seconds,
        connections=CONNECTIONS,
        most=MOST,
        folder=folder,
        program=program,
    )


def closed(bench: Bench, tool: Tool, _seed: int) -> Figures:
    """Return the rate of a closed loop over 64 connections, as the server counts it in the middle of the run."""
    done, report, log = _run(bench, tool, Service(), _job(0, bench.seconds))
    begin, end, rate = log.steady
    used = done.cpu_between(begin, end)
    if not rate or not used:
        raise BenchError("the run was too short to see a steady rate")
    return {
        "rate": rate,
        "cpu_us": 1e6 * used / (rate * (end - begin)),
        "busy": used / (end - begin),
        "counted": report.good / log.received,
        "peak_mb": done.peak / 1e6,
    }


def fixed(rate: float) -> Callable[[Bench, Tool, int], Figures]:
    """Return a measurement of how far the quantiles at a fixed rate are from what the server logged."""

    def measure(bench: Bench, tool: Tool, seed: int) -> Figures:
        service = Service(median=DELAYS[0], sigma=DELAYS[1], seed=seed)
        done, report, log = _run(bench, tool, service, _job(rate, bench.seconds + 1))
        truth = sorted(log.delays(tool.extra * CONNECTIONS))
        return {
            **_errors(tool, report, truth),
            "rate": log.steady[2],
            "cpu_us": 1e6 * done.cpu / log.received,
            "peak_mb": done.peak / 1e6,
        }

    return measure


def stalled(bench: Bench, tool: Tool, seed: int) -> Figures:
    """Return the errors through a stall against an open loop's truth, and the share of requests withheld."""
    service = Service(median=DELAYS[0], sigma=DELAYS[1], seed=seed, stall=STALL)
    _, report, log = _run(bench, tool, service, _job(STALL_RATE, STALL_SECONDS))
    extra = tool.extra * CONNECTIONS
    truth = open_loop(log, STALL_RATE, round(STALL_RATE * STALL_SECONDS), extra)
    # Over the time in which it sent, so that a tool that starts late or ends early is not blamed for that.
    arrivals = log.entries[3 * extra :: 3]
    due = min(STALL_RATE * (arrivals[-1] - arrivals[0]) + 1, STALL_RATE * STALL_SECONDS)
    return {**_errors(tool, report, truth), "withheld": max(1 - len(arrivals) / due, 0.0)}


def _errors(tool: Tool, report: Report, truth: Sequence[float]) -> Figures:
    return {
        f"{name} error": report.quantiles[name] / quantile(truth, q, tool.definition) - 1
        for name, q in QUANTILES.items()
        if name in report.quantiles
    }


def open_loop_rate(bench: Bench, tool: Tool, _seed: int) -> Figures:
    """Return how our engine keeps a schedule of 30,000 requests a second on one core."""
    done, report, log = _run(bench, tool, Service(), _job(OPEN_RATE, bench.seconds))
    begin, end, rate = log.steady
    return {
        "rate": rate,
        "unsent": float(report.more["unsent"]),
        "late_p50_us": 1e6 * report.more["late_p50"],
        "late_p99_us": 1e6 * report.more["late_p99"],
        "raised": float(report.more["priority_raised"]),
        "busy": done.cpu_between(begin, end) / (end - begin),
    }


def memory(bench: Bench, tool: Tool, seed: int) -> Figures:
    """Return the most memory that a generator holds in 30 s at 5,000 requests a second."""
    service = Service(median=DELAYS[0], sigma=DELAYS[1], seed=seed)
    done, _, log = _run(bench, tool, service, _job(MEMORY_RATE, MEMORY_SECONDS))
    return {"peak_mb": done.peak / 1e6, "rate": log.steady[2]}


def starving(bench: Bench, _tool: Tool, _seed: int) -> Figures:
    """Return the outcome of `ghmlops latency` whose core is taken by others: 1 where it says `error`, else 0."""
    with serving(bench.program, Service(), bench.server_core) as server:
        said = starved.outcome(server.url, bench.client_core)
    return {"says_error": float(said.outcome == "error"), "exit_code": float(said.code)}


_OURS = ours("ours")
_JSON = ours("ours, JSON check", check="json")
_MORE = ours(f"ours, {MOST} connections", most=MOST)
_UNRAISED = ours("ours, priority not raised", raised=False)
_FIXED = ("oha", "oha corrected", "fortio", "hey", "vegeta", "k6", "locust")


def _open_rows(_bench: Bench) -> list[Tool]:
    """Our engine as it is, and where a capability can be taken from it, also without the one to raise its priority."""
    able = os.geteuid() == 0 and shutil.which("setpriv")
    return [_OURS, _UNRAISED] if able else [_OURS]


SCENARIOS = (
    Scenario(
        name="closed",
        title=f"Closed loop, {CONNECTIONS} connections, one client core",
        tools=lambda b: [_OURS, _JSON, *b.tools("wrk", "oha", "fortio", "hey", "vegeta", "k6", "locust")],
        measure=closed,
    ),
    Scenario(
        name="fixed-1k",
        title="1,000 requests a second: quantiles against the server's log",
        tools=lambda b: [_OURS, *b.tools(*_FIXED)],
        measure=fixed(1000.0),
    ),
    Scenario(
        name="fixed-5k",
        title="5,000 requests a second: quantiles against the server's log",
        tools=lambda b: [_OURS, *b.tools(*_FIXED)],
        measure=fixed(5000.0),
    ),
    Scenario(
        name="stall",
        title="1,000 requests a second through a stall of 500 ms: quantiles against an open loop's truth",
        tools=lambda b: [_OURS, _MORE, *b.tools(*_FIXED, f"oha corrected, {MOST} connections")],
        measure=stalled,
    ),
    Scenario(
        name="open",
        title="Open loop, 30,000 requests a second, one client core",
        tools=_open_rows,
        measure=open_loop_rate,
    ),
    Scenario(
        name="memory",
        title="Memory at 5,000 requests a second for 30 s",
        tools=lambda _: [_OURS],
        measure=memory,
        rounds=1,
    ),
    Scenario(
        name="starved",
        title="`ghmlops latency` on a core that others occupy",
        tools=lambda _: [_OURS],
        measure=starving,
        rounds=1,
    ),
)
"""What the bench measures, in this order."""
