"""How each generator is started, and what it says it saw."""

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
        url: of the server.
        rate: requests a second of an open loop; 0: a closed loop over `connections`.
        connections: of a closed loop, and of a tool whose workers each own one.
        most: connections where a tool may open more when it needs them.
        folder: scratch, empty.
        program: the generator's.
    """

    url: str
    rate: float
    seconds: float
    connections: int
    most: int
    folder: Path
    program: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a generator says. `quantiles` in seconds by `QUANTILES`' names; what it does not tell is left out."""

    good: int
    failed: int
    quantiles: Mapping[str, float] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A generator.

    Attributes:
        name: of the row.
        peer: whose program it is; empty: ours.
        command: of a job; may write files into its folder.
        read: from what the child printed and the files that it left.
        extra: requests that it sends before it counts, as a multiple of its connections.
        definition: of its quantiles, see `truth.quantile`.
        raised: started with the priority that our engine gives itself, where that is allowed.
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
        BenchError: it failed, or what it printed cannot be read; never a figure that was not measured.
    """
    limit = job.seconds + 30.0
    done = child.run(
        tool.command(job), timeout=limit, core=core, cwd=job.folder, environment=_ONE_CORE, raised=tool.raised
    )
    if done.code:
        said = (done.err or done.out).strip().splitlines()[-1:] or ["no word"]
        raise BenchError(f"exit code {done.code}: {said[0][:200]}")
    try:
        return done, tool.read(job, done)
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, OSError) as error:
        raise BenchError(f"its output cannot be read: {type(error).__name__}: {error}") from None


def exact(seconds: list[float]) -> dict[str, float]:
    """Return the quantiles of single response times."""
    seconds.sort()
    return {name: quantile(seconds, q) for name, q in QUANTILES.items()}


def ours(name: str, *, raised: bool = True, **settings: str | int) -> Tool:
    """Return our engine; where it is not `raised` it may not do so itself. `settings` go to `ours.py`."""
    wrapper = [] if raised else ["setpriv", "--bounding-set", "-sys_nice"]

    def command(job: Job) -> list[str]:
        spec = {"url": job.url, "rate": job.rate, "seconds": job.seconds, "connections": job.connections, **settings}
        return [*wrapper, sys.executable, str(_OURS), json.dumps(spec)]

    return Tool(name=name, peer="", command=command, read=_ours_report, definition="linear", raised=raised)


def _ours_report(_job: Job, done: Done) -> Report:
    seen = json.loads(done.out)
    return Report(good=seen["good"], failed=seen["failed"], quantiles=seen["quantiles"], more=seen["more"])


def _wrk(job: Job) -> list[str]:
    script = job.folder / "post.lua"
    script.write_text(f"wrk.method = 'POST'\nwrk.body = '{BODY}'\nwrk.headers['content-type'] = 'application/json'\n")
    length = f"{max(round(job.seconds), 1)}s"
    return [str(job.program), "-t1", f"-c{job.connections}", f"-d{length}", "-s", str(script), job.url]


def read_wrk(_job: Job, done: Done) -> Report:
    """Read wrk's text."""
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
    """Read hey's table of every request (fixed rate), or its text."""
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
    """Turn vegeta's own file into JSON or, for quantiles, into a row a request; not part of the measured run."""
    words = ["encode", "-to", "csv", "results"] if job.rate else ["report", "-type", "json", "results"]
    done = child.run([str(job.program), *words], timeout=60, cwd=job.folder)
    return read_vegeta(job, done)


def read_vegeta(job: Job, done: Done) -> Report:
    """Read vegeta's rows (fixed rate) or its report."""
    if job.rate:
        rows = [row[:3] for row in csv.reader(io.StringIO(done.out))]
        times = [int(nanoseconds) * 1e-9 for _, status, nanoseconds in rows if status == "200"]
        return Report(good=len(times), failed=len(rows) - len(times), quantiles=exact(times))
    seen = json.loads(done.out)
    good = int(seen["status_codes"]["200"])
    return Report(good=good, failed=seen["requests"] - good)


def _fortio(job: Job) -> list[str]:
    words = [str(job.program), "load", "-quiet", "-c", str(job.connections), "-qps", f"{job.rate:g}"]
    words += ["-t", f"{job.seconds:g}s", "-uniform", "-r", "0.0001", "-p", "50,90,99,99.9"]
    return [*words, "-content-type", "application/json", "-payload", BODY, "-json", "result.json", job.url]


def _fortio_report(job: Job, _done: Done) -> Report:
    return read_fortio((job.folder / "result.json").read_text())


def read_fortio(text: str) -> Report:
    """Read fortio's JSON."""
    seen = json.loads(text)
    good = int(seen["RetCodes"]["200"])
    quantiles = {f"p{row['Percentile']:g}": row["Value"] for row in seen["DurationHistogram"]["Percentiles"]}
    return Report(good=good, failed=sum(seen["RetCodes"].values()) - good, quantiles=quantiles)


def _oha(*more: str, many: bool = False) -> Callable[[Job], list[str]]:
    def command(job: Job) -> list[str]:
        connections = job.most if many else job.connections
        words = [str(job.program), "--no-tui", "--worker-threads", "1", "-z", f"{job.seconds:g}s", "-w"]
        words += ["-c", str(connections), "-m", "POST", "-T", "application/json", "-d", BODY]
        if job.rate:
            words += ["-q", f"{job.rate:g}", *more]
        return [*words, "--output-format", "json", job.url]

    return command


def read_oha(_job: Job, done: Done) -> Report:
    """Read oha's JSON."""
    seen = json.loads(done.out)
    codes, errors = seen["statusCodeDistribution"], seen["errorDistribution"]
    good = int(codes["200"])
    quantiles = {name: seen["latencyPercentiles"][name] for name in QUANTILES}
    return Report(good=good, failed=sum(codes.values()) + sum(errors.values()) - good, quantiles=quantiles)


def _k6(job: Job) -> list[str]:
    closed = {"executor": "constant-vus", "vus": job.connections, "duration": f"{job.seconds:g}s"}
    fixed = {
        "executor": "constant-arrival-rate",
        "rate": round(job.rate),
        "timeUnit": "1s",
        "duration": f"{job.seconds:g}s",
        "preAllocatedVUs": job.connections,
        "maxVUs": job.most,
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
    """Read k6's summary. `http_req_failed` is a rate whose "passes" are the failures."""
    seen = json.loads(text)["metrics"]
    failed, times = int(seen["http_req_failed"]["passes"]), seen["http_req_duration"]
    names = {"p50": "med", "p90": "p(90)", "p99": "p(99)", "p99.9": "p(99.9)"}
    return Report(
        good=int(seen["http_reqs"]["count"]) - failed,
        failed=failed,
        quantiles={name: times[key] * 1e-3 for name, key in names.items()},
        more={"dropped": int(seen.get("dropped_iterations", {}).get("count", 0))},
    )


def _locust(job: Job) -> list[str]:
    wait = f"constant_throughput({job.rate / job.connections!r})" if job.rate else "constant(0)"
    (job.folder / "calls.py").write_text(
        "from locust import FastHttpUser, constant, constant_throughput, task\n\n\n"
        f"class Caller(FastHttpUser):\n    wait_time = {wait}\n\n    @task\n    def predict(self):\n"
        f"        self.client.post({'/predict'!r}, data={BODY!r}, headers={{'content-type': 'application/json'}})\n"
    )
    users, length = str(job.connections), f"{round(job.seconds) + 1}s"  # the first second is spent on starting users
    words = [str(job.program), "-f", "calls.py", "--headless", "--only-summary", "--skip-log", "--json"]
    return [*words, "--host", job.url.rpartition("/")[0], "-u", users, "-r", users, "-t", length]


def read_locust(_job: Job, done: Done) -> Report:
    """Read Locust's JSON; it keeps times rounded to two digits."""
    (seen,) = json.loads(done.out)
    times = sorted((float(ms) * 1e-3, n) for ms, n in seen["response_times"].items())
    flat = [seconds for seconds, n in times for _ in range(n)]
    return Report(good=seen["num_requests"] - seen["num_failures"], failed=seen["num_failures"], quantiles=exact(flat))


def _number(pattern: str, text: str) -> int:
    found = re.search(pattern, text)
    if found is None:
        raise ValueError("no count of requests")
    return int(found[1])


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
