"""Command line of each generator, and the reader of its output."""

from __future__ import annotations

import csv
import io
import json
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import child
from .child import BenchError, Done
from .truth import BODY, quantile

QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p99.9": 0.999}
_TYPE = "content-type: application/json"
_ONE_CORE = {"GOMAXPROCS": "1", "TOKIO_WORKER_THREADS": "1"}
_OURS = Path(__file__).with_name("ours.py")


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One run of one generator.

    Attributes:
        url: URL of the server.
        rate: Requests per second of an open loop; 0 for a closed loop over `connections`.
        seconds: Duration of the run.
        connections: Connections of a closed loop, and of a tool with one connection per worker.
        max_connections: Maximum connections of a tool that opens connections on demand.
        folder: Empty working directory.
        program: Executable of the generator.
    """

    url: str
    rate: float
    seconds: float
    connections: int
    max_connections: int
    folder: Path
    program: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Results that a generator reports. `quantiles` in seconds by the names of `QUANTILES`, if it reports them."""

    good: int
    failed: int
    quantiles: Mapping[str, float] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A generator.

    Attributes:
        name: Name of the row.
        peer: Name of the peer whose program it is; empty for our engine.
        command: Returns the command line for a job; may write files into its folder.
        read: Reads the report from the output of the child and its files.
        extra: Uncounted requests that it sends first, as a multiple of its connections.
        definition: Definition of its quantiles, see `truth.quantile`.
        raised: True to start it with the priority that our engine sets for itself, if permitted.
    """

    name: str
    peer: str
    command: Callable[[Job], list[str]]
    read: Callable[[Job, Done], Report]
    extra: int = 0
    definition: str = "rank"
    raised: bool = True


def run(tool: Tool, job: Job, core: int) -> tuple[Done, Report]:
    """Run a generator on `core`.

    Raises:
        BenchError: The generator failed, or its output cannot be read.
    """
    limit = job.seconds + 30.0
    done = child.run(
        tool.command(job), timeout=limit, core=core, cwd=job.folder, environment=_ONE_CORE, raised=tool.raised
    )
    if done.code:
        last = (done.err or done.out).strip().splitlines()[-1:] or ["no output"]
        raise BenchError(f"exit code {done.code}: {last[0][:200]}")
    try:
        return done, tool.read(job, done)
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, OSError) as error:
        raise BenchError(f"its output cannot be read: {type(error).__name__}: {error}") from None


def exact(seconds: list[float]) -> dict[str, float]:
    """Return the quantiles of individual response times."""
    seconds.sort()
    return {name: quantile(seconds, q) for name, q in QUANTILES.items()}


def ours(name: str, *, raised: bool = True, **settings: str | int) -> Tool:
    """Return our engine with `settings` for `ours.py`; if not `raised`, it cannot raise its priority itself either."""
    wrapper = [] if raised else ["setpriv", "--bounding-set", "-sys_nice"]

    def command(job: Job) -> list[str]:
        spec = {"url": job.url, "rate": job.rate, "seconds": job.seconds, "connections": job.connections, **settings}
        return [*wrapper, sys.executable, str(_OURS), json.dumps(spec)]

    return Tool(name=name, peer="", command=command, read=_ours_report, definition="linear", raised=raised)


def _ours_report(_job: Job, done: Done) -> Report:
    output = json.loads(done.out)
    return Report(good=output["good"], failed=output["failed"], quantiles=output["quantiles"], more=output["more"])


def _wrk(job: Job) -> list[str]:
    script = job.folder / "post.lua"
    script.write_text(f"wrk.method = 'POST'\nwrk.body = '{BODY}'\nwrk.headers['content-type'] = 'application/json'\n")
    length = f"{max(round(job.seconds), 1)}s"
    return [str(job.program), "-t1", f"-c{job.connections}", f"-d{length}", "-s", str(script), job.url]


def read_wrk(_job: Job, done: Done) -> Report:
    """Read the text output of wrk."""
    total = _number(r"(\d+) requests in", done.out)
    bad = sum(int(n) for n in re.findall(r"(?:connect|read|write|timeout|responses:) (\d+)", done.out))
    return Report(good=total - bad, failed=bad)


def _hey(job: Job) -> list[str]:
    words = [str(job.program), "-z", f"{job.seconds:g}s", "-c", str(job.connections), "-cpus", "1", "-m", "POST"]
    words += ["-T", "application/json", "-d", BODY]
    if job.rate:
        words += ["-q", f"{job.rate / job.connections:g}", "-o", "csv"]
    return [*words, job.url]


def read_hey(job: Job, done: Done) -> Report:
    """Read the table of requests (fixed rate) or the text output of hey."""
    if job.rate:
        rows = list(csv.DictReader(io.StringIO(done.out)))
        times = [float(row["response-time"]) for row in rows if row["status-code"] == "200"]
        return Report(good=len(times), failed=len(rows) - len(times), quantiles=exact(times))
    counts = {int(code): int(n) for code, n in re.findall(r"\[(\d{3})\]\s+(\d+) responses", done.out)}
    errors = sum(int(n) for n in re.findall(r"^\s+\[(\d+)\]\s+(?!\d+ responses)\S", done.out, re.MULTILINE))
    return Report(good=counts[200], failed=sum(counts.values()) - counts[200] + errors)


def _vegeta(job: Job) -> list[str]:
    (job.folder / "body").write_text(BODY)
    (job.folder / "targets").write_text(f"POST {job.url}\n")
    words = [str(job.program), "attack", "-targets", "targets", "-body", "body", "-header", _TYPE]
    words += ["-duration", f"{job.seconds:g}s", "-output", "results"]
    if job.rate:
        return [*words, "-rate", f"{job.rate:g}", "-workers", str(job.connections)]
    return [*words, "-rate", "0", "-max-workers", str(job.connections), "-connections", str(job.connections)]


def _vegeta_report(job: Job, _done: Done) -> Report:
    """Convert the results of vegeta to JSON or, for quantiles, to one row per request, after the measured run."""
    words = ["encode", "-to", "csv", "results"] if job.rate else ["report", "-type", "json", "results"]
    done = child.run([str(job.program), *words], timeout=60, cwd=job.folder)
    return read_vegeta(job, done)


def read_vegeta(job: Job, done: Done) -> Report:
    """Read the rows (fixed rate) or the report of vegeta."""
    if job.rate:
        rows = [row[:3] for row in csv.reader(io.StringIO(done.out))]
        times = [int(nanoseconds) * 1e-9 for _, status, nanoseconds in rows if status == "200"]
        return Report(good=len(times), failed=len(rows) - len(times), quantiles=exact(times))
    output = json.loads(done.out)
    good = int(output["status_codes"]["200"])
    return Report(good=good, failed=output["requests"] - good)


def _fortio(job: Job) -> list[str]:
    words = [str(job.program), "load", "-quiet", "-c", str(job.connections), "-qps", f"{job.rate:g}"]
    words += ["-t", f"{job.seconds:g}s", "-uniform", "-r", "0.0001", "-p", "50,90,99,99.9"]
    return [*words, "-content-type", "application/json", "-payload", BODY, "-json", "result.json", job.url]


def _fortio_report(job: Job, _done: Done) -> Report:
    return read_fortio((job.folder / "result.json").read_text())


def read_fortio(text: str) -> Report:
    """Read the JSON output of fortio."""
    output = json.loads(text)
    good = int(output["RetCodes"]["200"])
    quantiles = {f"p{row['Percentile']:g}": row["Value"] for row in output["DurationHistogram"]["Percentiles"]}
    return Report(good=good, failed=sum(output["RetCodes"].values()) - good, quantiles=quantiles)


def _oha(*more: str, many: bool = False) -> Callable[[Job], list[str]]:
    def command(job: Job) -> list[str]:
        connections = job.max_connections if many else job.connections
        words = [str(job.program), "--no-tui", "--worker-threads", "1", "-z", f"{job.seconds:g}s", "-w"]
        words += ["-c", str(connections), "-m", "POST", "-T", "application/json", "-d", BODY]
        if job.rate:
            words += ["-q", f"{job.rate:g}", *more]
        return [*words, "--output-format", "json", job.url]

    return command


def read_oha(_job: Job, done: Done) -> Report:
    """Read the JSON output of oha."""
    output = json.loads(done.out)
    codes, errors = output["statusCodeDistribution"], output["errorDistribution"]
    good = int(codes["200"])
    quantiles = {name: output["latencyPercentiles"][name] for name in QUANTILES}
    return Report(good=good, failed=sum(codes.values()) + sum(errors.values()) - good, quantiles=quantiles)


def _k6(job: Job) -> list[str]:
    closed = {"executor": "constant-vus", "vus": job.connections, "duration": f"{job.seconds:g}s"}
    fixed = {
        "executor": "constant-arrival-rate",
        "rate": round(job.rate),
        "timeUnit": "1s",
        "duration": f"{job.seconds:g}s",
        "preAllocatedVUs": job.connections,
        "maxVUs": job.max_connections,
    }
    options = {
        "scenarios": {"load": fixed if job.rate else closed},
        "summaryTrendStats": ["med", "p(90)", "p(99)", "p(99.9)"],
    }
    headers = {"headers": {"content-type": "application/json"}}
    (job.folder / "script.js").write_text(
        "import http from 'k6/http';\n"
        f"export const options = {json.dumps(options)};\n"
        f"export default function () {{ http.post({json.dumps(job.url)}, {json.dumps(BODY)}, "
        f"{json.dumps(headers)}); }}\n"
    )
    words = [str(job.program), "run", "--quiet", "--no-usage-report", "--address", "", "--no-color"]
    return [*words, "--summary-export", "summary.json", "script.js"]


def _k6_report(job: Job, _done: Done) -> Report:
    return read_k6((job.folder / "summary.json").read_text())


def read_k6(text: str) -> Report:
    """Read the summary of k6. `http_req_failed` is a rate whose "passes" are the failed requests."""
    output = json.loads(text)["metrics"]
    failed, times = int(output["http_req_failed"]["passes"]), output["http_req_duration"]
    names = {"p50": "med", "p90": "p(90)", "p99": "p(99)", "p99.9": "p(99.9)"}
    return Report(
        good=int(output["http_reqs"]["count"]) - failed,
        failed=failed,
        quantiles={name: times[key] * 1e-3 for name, key in names.items()},
        more={"dropped": int(output.get("dropped_iterations", {}).get("count", 0))},
    )


def _locust(job: Job) -> list[str]:
    wait = f"constant_throughput({job.rate / job.connections!r})" if job.rate else "constant(0)"
    (job.folder / "calls.py").write_text(
        "from locust import FastHttpUser, constant, constant_throughput, task\n\n\n"
        f"class Caller(FastHttpUser):\n    wait_time = {wait}\n\n    @task\n    def predict(self):\n"
        f"        self.client.post({'/predict'!r}, data={BODY!r}, headers={{'content-type': 'application/json'}})\n"
    )
    users, length = str(job.connections), f"{round(job.seconds) + 1}s"  # users start in the first second
    words = [str(job.program), "-f", "calls.py", "--headless", "--only-summary", "--skip-log", "--json"]
    return [*words, "--host", job.url.rpartition("/")[0], "-u", users, "-r", users, "-t", length]


def read_locust(_job: Job, done: Done) -> Report:
    """Read the JSON output of Locust, which rounds times to two digits."""
    (output,) = json.loads(done.out)
    times = sorted((float(ms) * 1e-3, n) for ms, n in output["response_times"].items())
    flat = [seconds for seconds, n in times for _ in range(n)]
    return Report(
        good=output["num_requests"] - output["num_failures"], failed=output["num_failures"], quantiles=exact(flat)
    )


def _number(pattern: str, text: str) -> int:
    match = re.search(pattern, text)
    if match is None:
        raise ValueError("the output contains no number of requests")
    return int(match[1])


PEER_TOOLS = (
    Tool(name="wrk", peer="wrk", command=_wrk, read=read_wrk),
    Tool(name="oha", peer="oha", command=_oha(), read=read_oha, definition="next"),
    Tool(name="oha corrected", peer="oha", command=_oha("--latency-correction"), read=read_oha, definition="next"),
    Tool(
        name="oha corrected, 512 connections",
        peer="oha",
        command=_oha("--latency-correction", many=True),
        read=read_oha,
        definition="next",
    ),
    Tool(name="fortio", peer="fortio", command=_fortio, read=_fortio_report, extra=1),
    Tool(name="hey", peer="hey", command=_hey, read=read_hey),
    Tool(name="vegeta", peer="vegeta", command=_vegeta, read=_vegeta_report),
    Tool(name="k6", peer="k6", command=_k6, read=_k6_report, definition="linear"),
    Tool(name="locust", peer="locust", command=_locust, read=read_locust),
)
