"""Scenarios of the benchmark: one function per scenario returns the figures of one run of one generator."""

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
MAX_CONNECTIONS = 512
"""Maximum connections of a tool that opens connections on demand: the stall delays 500 requests."""
STALL = (1.5, 0.5)
STALL_RATE, STALL_SECONDS = 1000.0, 4.0
"""An eighth of the requests is due in the stall, so that p90 lies within it."""
OPEN_RATE = 30_000.0
MEMORY_RATE, MEMORY_SECONDS = 5000.0, 30.0
DELAYS = (0.002, 0.7)
"""Median in seconds and sigma of the log-normal delays: p99 is 10 ms, p99.9 17 ms."""

Figures = dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """Settings of all runs: program of the server, cores, seconds per run, names of the peers to run."""

    program: Path
    server_core: int
    client_core: int
    seconds: float
    peers: frozenset[str]

    def tools(self, *names: str) -> list[Tool]:
        """Return the tools of these names whose peer is installed."""
        available = {peer.name for peer in PEERS if peer.name in self.peers and installed(peer)}
        return [tool for tool in PEER_TOOLS if tool.name in names and tool.peer in available]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A named measurement.

    Attributes:
        tools: Returns the rows.
        measure: Measures one run of one row with the seed of the round.
        rounds: Maximum number of rounds; 0 for no maximum.
    """

    name: str
    title: str
    tools: Callable[[Bench], list[Tool]]
    measure: Callable[[Bench, Tool, int], Figures]
    rounds: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One run: its figures, or the error if there are none."""

    scenario: str
    round: int
    tool: str
    figures: Figures
    error: str = ""


def rounds(scenario: Scenario, bench: Bench, count: int) -> Iterator[Record]:
    """Run every row once per round, in a random order per round."""
    for number in range(min(count, scenario.rounds or count)):
        tools = scenario.tools(bench)
        random.Random(number).shuffle(tools)  # noqa: S311  (an order, not a secret)
        for tool in tools:
            try:
                figures, error = scenario.measure(bench, tool, number + 1), ""
            except BenchError as failure:
                figures, error = {}, str(failure)
            yield Record(scenario=scenario.name, round=number, tool=tool.name, figures=figures, error=error)


def _run(
    bench: Bench, tool: Tool, service: Service, job: Callable[[Server, Path, Path], Job]
) -> tuple[child.Done, Report, Log]:
    program = next((path for peer in PEERS if peer.name == tool.peer and (path := installed(peer))), Path())
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
        max_connections=MAX_CONNECTIONS,
        folder=folder,
        program=program,
    )


def closed(bench: Bench, tool: Tool, _seed: int) -> Figures:
    """Return the rate of a closed loop over 64 connections, counted by the server in the middle of the run."""
    done, report, log = _run(bench, tool, Service(), _job(0, bench.seconds))
    begin, end, rate = log.steady
    cpu = done.cpu_between(begin, end)
    if not rate or not cpu:
        raise BenchError("the run was too short for a steady rate")
    return {
        "rate": rate,
        "cpu_us": 1e6 * cpu / (rate * (end - begin)),
        "busy": cpu / (end - begin),
        "counted": report.good / log.received,
        "peak_mb": done.peak / 1e6,
    }


def fixed(rate: float) -> Callable[[Bench, Tool, int], Figures]:
    """Return a measurement of the errors of the quantiles at a fixed rate, relative to the server's log."""

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
    """Return the errors during a stall relative to an open loop, and the fraction of requests withheld."""
    service = Service(median=DELAYS[0], sigma=DELAYS[1], seed=seed, stall=STALL)
    _, report, log = _run(bench, tool, service, _job(STALL_RATE, STALL_SECONDS))
    extra = tool.extra * CONNECTIONS
    truth = open_loop(log, STALL_RATE, round(STALL_RATE * STALL_SECONDS), extra)
    # Only over the time in which it sent: a tool may start late or end early without withholding requests.
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
    """Return how well our engine keeps a schedule of 30,000 requests per second on one core."""
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
    """Return the peak memory of a generator in 30 s at 5,000 requests per second."""
    service = Service(median=DELAYS[0], sigma=DELAYS[1], seed=seed)
    done, _, log = _run(bench, tool, service, _job(MEMORY_RATE, MEMORY_SECONDS))
    return {"peak_mb": done.peak / 1e6, "rate": log.steady[2]}


def starving(bench: Bench, _tool: Tool, _seed: int) -> Figures:
    """Return whether `ghmlops latency` reports `error` while other processes occupy its core: 1 if so, otherwise 0."""
    with serving(bench.program, Service(), bench.server_core) as server:
        result = starved.outcome(server.url, bench.client_core)
    return {"says_error": float(result.outcome == "error"), "exit_code": float(result.code)}


_OURS = ours("ours")
_JSON = ours("ours, JSON check", check="json")
_MANY_CONNECTIONS = ours(f"ours, {MAX_CONNECTIONS} connections", max_connections=MAX_CONNECTIONS)
_UNRAISED = ours("ours, priority not raised", raised=False)
_FIXED = ("oha", "oha corrected", "fortio", "hey", "vegeta", "k6", "locust")


def _open_rows(_bench: Bench) -> list[Tool]:
    """Return our engine and, if the capability to raise its priority can be dropped, our engine without it."""
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
        title="1,000 requests per second: quantiles compared with the server's log",
        tools=lambda b: [_OURS, *b.tools(*_FIXED)],
        measure=fixed(1000.0),
    ),
    Scenario(
        name="fixed-5k",
        title="5,000 requests per second: quantiles compared with the server's log",
        tools=lambda b: [_OURS, *b.tools(*_FIXED)],
        measure=fixed(5000.0),
    ),
    Scenario(
        name="stall",
        title="1,000 requests per second through a stall of 500 ms: quantiles compared with an open loop",
        tools=lambda b: [_OURS, _MANY_CONNECTIONS, *b.tools(*_FIXED, f"oha corrected, {MAX_CONNECTIONS} connections")],
        measure=stalled,
    ),
    Scenario(
        name="open",
        title="Open loop, 30,000 requests per second, one client core",
        tools=_open_rows,
        measure=open_loop_rate,
    ),
    Scenario(
        name="memory",
        title="Memory at 5,000 requests per second for 30 s",
        tools=lambda _: [_OURS],
        measure=memory,
        rounds=1,
    ),
    Scenario(
        name="starved",
        title="`ghmlops latency` on a core that other processes occupy",
        tools=lambda _: [_OURS],
        measure=starving,
        rounds=1,
    ),
)
"""All scenarios, in the order in which they run."""
