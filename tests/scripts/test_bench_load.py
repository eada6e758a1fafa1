"""The load benchmark: its server logs true times, the output of each tool is read, goals are judged."""

from __future__ import annotations

import json
import math
import os
import shutil
import socket
import sys
import time
from array import array
from pathlib import Path
from urllib.parse import urlsplit

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))  # the scripts are not an installed package

from bench.loadbench import child, main, starved, tables, tools, truth
from bench.loadbench.scenarios import Record

CAN_SERVE = sys.platform == "linux" and shutil.which("cc") and shutil.which("taskset")
serves = pytest.mark.skipif(not CAN_SERVE, reason="needs Linux, a C compiler and taskset")
ASK = f"POST {truth.PATH} HTTP/1.1\r\nhost: x\r\nContent-Length: {len(truth.BODY)}\r\n\r\n{truth.BODY}".encode()


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the compiled server."""
    return truth.compiled(tmp_path_factory.mktemp("cache"))


def core() -> int:
    """Return a core that this process may use."""
    return min(os.sched_getaffinity(0))


def dial(url: str) -> socket.socket:
    """Return a connection to the server."""
    return socket.create_connection(("127.0.0.1", urlsplit(url).port), timeout=30)


def answers(peer: socket.socket, count: int) -> list[bytes]:
    """Return the bodies of the next `count` answers."""
    with peer.makefile("rb") as stream:
        bodies = []
        for _ in range(count):
            head = b"".join(iter(stream.readline, b"\r\n"))
            assert head.startswith(b"HTTP/1.1 200 OK\r\n")
            bodies.append(stream.read(int(head.partition(b"content-length: ")[2].split()[0])))
        return bodies


def delays(seed: int, median: float, sigma: float, count: int) -> list[float]:
    """Return the delays that the server draws: SplitMix64, then Box-Muller."""
    mask, state = 2**64 - 1, seed

    def uniform() -> float:
        nonlocal state
        state = (state + 0x9E3779B97F4A7C15) & mask
        z = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9 & mask
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB & mask
        return (((z ^ (z >> 31)) >> 11) + 0.5) / 2**53

    values = []
    for _ in range(count):
        radius = math.sqrt(-2 * math.log(uniform()))
        values.append(median * math.exp(sigma * radius * math.cos(2 * math.pi * uniform())))
    return values


def log(**changes: object) -> truth.Log:
    """Return an empty log with some fields replaced."""
    empty: dict[str, object] = {
        "received": 0, "answered": 0, "first": 0.0, "stall": (0.0, 0.0), "buckets": array("d"), "entries": array("d")
    }  # fmt: skip
    return truth.Log(**{**empty, **changes})  # type: ignore[arg-type]


@serves
def test_server_without_delay(program: Path) -> None:
    """The server answers whole, split and pipelined requests on one connection, and counts each."""
    with truth.serving(program, truth.Service(), core()) as server, dial(server.url) as peer:
        peer.sendall(ASK)
        assert answers(peer, 1) == [truth.ANSWER]
        peer.sendall(ASK[:30])
        time.sleep(0.05)
        peer.sendall(ASK[30:] + ASK + ASK[:9])
        assert answers(peer, 2) == [truth.ANSWER] * 2
        peer.sendall(ASK[9:])
        assert answers(peer, 1) == [truth.ANSWER]
    assert (server.log.received, server.log.answered, sum(server.log.buckets)) == (4, 4, 4)


@serves
def test_server_rejects_unsupported_requests(program: Path) -> None:
    """The server closes the connection of a chunked or endless request without counting it, and continues."""
    with truth.serving(program, truth.Service(), core()) as server:
        for bad in (b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n", b"x" * 9000):
            with dial(server.url) as peer:
                peer.sendall(bad)
                try:
                    rest = peer.recv(1)
                except ConnectionResetError:
                    rest = b""
                assert rest == b""
        with dial(server.url) as peer:
            peer.sendall(ASK)
            assert answers(peer, 1) == [truth.ANSWER]
    assert server.log.received == 1


@serves
def test_server_logs_its_delays(program: Path) -> None:
    """Each request waits for its independent seeded delay; a request whose client disconnected has no answer."""
    service = truth.Service(median=0.002, sigma=0.7, seed=7)
    with truth.serving(program, service, core()) as server:
        with dial(server.url) as peer:
            peer.sendall(ASK * 50)
            assert answers(peer, 50) == [truth.ANSWER] * 50
        with dial(server.url) as client:
            client.sendall(ASK)
        with dial(server.url) as peer:
            peer.sendall(ASK)
            assert answers(peer, 1) == [truth.ANSWER]
    result = server.log
    assert result.received == 52
    assert result.planned() == pytest.approx(delays(7, 0.002, 0.7, 52), rel=1e-4, abs=1e-9)
    assert len(result.delays()) == result.answered
    assert all(result.entries[3 * n + 2] >= result.entries[3 * n + 1] for n in range(50))


@serves
def test_server_stalls(program: Path) -> None:
    """In the stall no request is read or answered, whether it arrived before or within it, on any connection."""
    service = truth.Service(median=0.05, sigma=0.0, seed=1, stall=(0.03, 0.3))
    with truth.serving(program, service, core()) as server, dial(server.url) as peer:
        peer.sendall(ASK)
        time.sleep(0.1)
        peer.sendall(ASK)
        with dial(server.url) as late:
            late.sendall(ASK)
            assert answers(late, 1) == [truth.ANSWER]
        assert answers(peer, 2) == [truth.ANSWER] * 2
    begin, end = server.log.stall
    assert end - begin >= 0.3 - 1e-6
    first, *rest = server.log.entries[::3]
    assert first < begin
    assert all(arrival >= end for arrival in rest)
    assert all(done >= end for done in server.log.entries[2::3])


def test_truncated_log(tmp_path: Path) -> None:
    """A log that is missing, truncated or too long is an error."""
    path = tmp_path / "log"
    head = array("d", [1, 1, 5.0, 0, 0, 1, 1]).tobytes()
    body = array("d", [1, 5.0, 5.5, 6.0]).tobytes()
    for content in (None, head[:20], head + body[:-8], head + body + b"12345678"):
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(child.BenchError):
            truth.read_log(path)
    path.write_bytes(head + body)
    assert truth.read_log(path).delays() == [1.0]


def test_steady_rate() -> None:
    """The rate is that of the middle of the run, without a slow start and end."""
    buckets = array("d", [1.0] * 20 + [500.0] * 60 + [1.0] * 20 + [0.0] * 50)
    begin, end, rate = log(first=10.0, buckets=buckets).steady
    assert begin == pytest.approx(10.19)
    assert end == pytest.approx(10.80)
    assert rate == pytest.approx(50_000 * 60 / 61, rel=0.02)
    assert log().steady[2] == 0.0


def test_open_loop_truth() -> None:
    """Requests and answers due in the stall are processed at its end; the delays are repeated for withheld requests."""
    entries = array("d", [0.0, 0.1, 0.9] * 4)
    result = log(first=0.0, stall=(1.0, 2.0), entries=entries)
    assert truth.open_loop(result, 2.0, 6) == pytest.approx([0.1, 0.1, 0.1, 0.1, 0.6, 1.1])
    edge = log(first=0.95, stall=(1.0, 2.0), entries=entries)
    assert truth.open_loop(edge, 1.0, 1) == pytest.approx([1.05])
    with pytest.raises(child.BenchError):
        truth.open_loop(log(stall=(1.0, 2.0)), 1.0, 5)


@pytest.mark.parametrize(
    ("definition", "q", "expected"),
    [("rank", 0.5, 5.0), ("next", 0.5, 6.0), ("linear", 0.5, 5.5), ("rank", 0.99, 10.0), ("next", 0.999, 10.0)],
)
def test_quantile(definition: str, q: float, expected: float) -> None:
    """Quantiles follow the requested definition."""
    assert truth.quantile([float(n) for n in range(1, 11)], q, definition) == expected
    assert math.isnan(truth.quantile([], q, definition))


def job(rate: float, folder: Path) -> tools.Job:
    """Return a job that is not run."""
    return tools.Job(
        url="http://127.0.0.1:1/predict",
        rate=rate,
        seconds=3,
        connections=8,
        max_connections=64,
        folder=folder,
        program=folder,
    )


def done(out: str) -> child.Done:
    """Return the result of a child that printed `out`."""
    return child.Done(code=0, out=out, err="", cpu=0.1, peak=1, samples=())


WRK = """Running 3s test @ http://127.0.0.1:5/predict
  1 threads and 64 connections
  140872 requests in 3.04s, 16.39MB read
  Socket errors: connect 0, read 1, write 0, timeout 2
  Non-2xx or 3xx responses: 4
Requests/sec:  46388.53
"""
HEY = """
Summary:
  Total:\t1.0473 secs

Status code distribution:
  [200]\t104 responses
  [500]\t3 responses

Error distribution:
  [2]\tPost "http://127.0.0.1:1": EOF
"""
HEY_CSV = """response-time,DNS+dialup,DNS,Request-write,Response-delay,Response-read,status-code,offset
0.0026,0.0009,0.0000,0.0005,0.0011,0.0001,200,0.1072
0.0025,0.0008,0.0000,0.0005,0.0012,0.0000,200,0.1073
0.0027,0.0005,0.0000,0.0006,0.0016,0.0000,503,0.1075
"""
VEGETA = '{"latencies":{"50th":2206680,"99th":8412722},"requests":80,"success":1,"status_codes":{"0":1,"200":79}}'
VEGETA_CSV = """1795451495147409615,200,3591834,28,51,,e30=,,0,POST,http://127.0.0.1:1/predict,Q29u
1795451495159571013,200,1578186,28,51,,e30=,,1,POST,http://127.0.0.1:1/predict,Q29u
1795451495172417948,0,1837054,28,51,EOF,,,2,POST,http://127.0.0.1:1/predict,Q29u
"""
OHA = json.dumps(
    {
        "latencyPercentiles": {"p10": 0.001, "p50": 0.002, "p90": 0.004, "p99": 0.01, "p99.9": 0.02, "p99.99": 0.03},
        "statusCodeDistribution": {"200": 997, "503": 2},
        "errorDistribution": {"aborted due to deadline": 1},
    }
)
LOCUST = json.dumps([{"num_requests": 10, "num_failures": 1, "response_times": {"2": 5, "10": 1, "4": 4}}])


def test_counts_of_closed_loops(tmp_path: Path) -> None:
    """Failures are counted in the output format of each tool."""
    closed = job(0, tmp_path)
    result = [
        tools.read_wrk(closed, done(WRK)),
        tools.read_hey(closed, done(HEY)),
        tools.read_vegeta(closed, done(VEGETA)),
        tools.read_oha(closed, done(OHA)),
        tools.read_locust(closed, done(LOCUST)),
    ]
    assert [(r.good, r.failed) for r in result] == [(140865, 7), (104, 5), (79, 1), (997, 3), (9, 1)]


def test_quantiles_of_fixed_rates(tmp_path: Path) -> None:
    """Quantiles are in seconds, from individual requests if the tool reports them."""
    fixed = job(80, tmp_path)
    hey, vegeta = tools.read_hey(fixed, done(HEY_CSV)), tools.read_vegeta(fixed, done(VEGETA_CSV))
    assert (hey.good, hey.failed, hey.quantiles["p99"]) == (2, 1, 0.0026)
    assert (vegeta.good, vegeta.failed) == (2, 1)
    assert vegeta.quantiles["p50"] == pytest.approx(0.001578186)
    assert tools.read_oha(fixed, done(OHA)).quantiles == {"p50": 0.002, "p90": 0.004, "p99": 0.01, "p99.9": 0.02}
    assert tools.read_locust(fixed, done(LOCUST)).quantiles == {"p50": 0.002, "p90": 0.004, "p99": 0.01, "p99.9": 0.01}


def test_fortio_and_k6() -> None:
    """Fortio's percentiles and k6's trend are read; k6's failures are the "passes" of `http_req_failed`."""
    rows = [{"Percentile": q, "Value": q / 1e4} for q in (50, 90, 99, 99.9)]
    fortio = tools.read_fortio(
        json.dumps({"RetCodes": {"200": 80, "-1": 2}, "DurationHistogram": {"Percentiles": rows}})
    )
    assert (fortio.good, fortio.failed) == (80, 2)
    assert fortio.quantiles == pytest.approx({"p50": 0.005, "p90": 0.009, "p99": 0.0099, "p99.9": 0.00999})
    metrics = {
        "http_reqs": {"count": 81},
        "http_req_failed": {"passes": 1, "fails": 80, "value": 0.01},
        "http_req_duration": {"med": 2.5, "p(90)": 5.0, "p(99)": 12.0, "p(99.9)": 13.0},
        "dropped_iterations": {"count": 4},
    }
    k6 = tools.read_k6(json.dumps({"metrics": metrics}))
    assert (k6.good, k6.failed, k6.more["dropped"], k6.quantiles["p50"]) == (80, 1, 4, 0.0025)


@pytest.mark.parametrize("output", ["", "an unknown format"])
def test_unreadable_output(output: str, tmp_path: Path) -> None:
    """Unreadable output is an error of that run."""
    program = tmp_path / "tool"
    program.write_text(f"#!/bin/sh\necho '{output}'\n")
    program.chmod(0o755)
    for read in (tools.read_wrk, tools.read_hey, tools.read_oha, tools.read_locust, tools.read_vegeta):
        tool = tools.Tool(name="x", peer="x", command=lambda j: [str(j.program)], read=read)
        work = tools.Job(
            url="", rate=0, seconds=1, connections=1, max_connections=1, folder=tmp_path, program=program
        )  # fmt: skip
        with pytest.raises(child.BenchError, match="cannot be read"):
            tools.run(tool, work, core())


def test_child_ends_in_time() -> None:
    """A child that exceeds the time limit is terminated; otherwise its code, output, time and memory are returned."""
    with pytest.raises(child.BenchError, match="did not end within"):
        child.run([sys.executable, "-c", "import time; time.sleep(600)"], timeout=0.3)
    with pytest.raises(child.BenchError, match="cannot be started"):
        child.run(["/nonexistent/tool"], timeout=1)
    work = "import sys, time\nx = bytearray(50_000_000)\nend = time.process_time() + 0.3\n"
    work += "while time.process_time() < end: pass\nprint('out'); sys.exit(3)"
    result = child.run([sys.executable, "-c", work], timeout=60)
    assert (result.code, result.out) == (3, "out\n")
    assert result.cpu >= 0.3
    assert result.peak >= 50_000_000


def test_cpu_between() -> None:
    """Processor time between two times is interpolated linearly between the samples."""
    result = child.Done(code=0, out="", err="", cpu=9.0, peak=1, samples=((10.0, 1.0), (12.0, 2.0), (14.0, 4.0)))
    assert result.cpu_between(11.0, 13.0) == pytest.approx(1.5)
    assert result.cpu_between(12.0, 99.0) == pytest.approx(2.0)


def record(number: int, tool: str, rate: float, error: str = "") -> Record:
    """Return a run of the scenario `closed`."""
    figures = {} if error else {"rate": rate, "cpu_us": 1e6 / rate}
    return Record(scenario="closed", round=number, tool=tool, figures=figures, error=error)


def test_goals_are_paired_within_the_round() -> None:
    """A ratio is formed in each round that has both runs; an unmeasured goal is neither met nor missed."""
    goal = next(g for g in tables.GOALS if g.peer == "wrk")
    runs = [record(0, "ours", 90.0), record(0, "wrk", 100.0), record(1, "ours", 200.0), record(1, "wrk", 200.0)]
    runs += [record(2, "ours", 99.0), record(2, "wrk", 0.0, "it broke")]
    result = tables.judge(runs, goal)
    assert (result["n"], result["low"], result["median"], result["high"], result["met"]) == (2, 0.9, 0.95, 1.0, True)
    assert result["cpu_median"] == pytest.approx(0.95)
    assert tables.judge(runs[:1], goal)["met"] is None
    assert "not measured" in tables.goal_table([tables.judge([], goal)])
    assert "round 3, wrk: not measured, " in tables.scenario_table(runs, "closed")


def test_errors_count_in_both_directions() -> None:
    """A quantile that is too low misses its goal just as one that is too high."""
    goal = next(g for g in tables.GOALS if g.scenario == "stall" and g.figure == "p90 error")
    for value, met in ((0.04, True), (-0.04, True), (0.06, False), (-0.9, False)):
        run = Record(scenario="stall", round=0, tool=goal.row, figures={"p90 error": value})
        assert tables.judge([run], goal)["met"] is met


def test_every_goal_has_its_row() -> None:
    """Each goal names an existing scenario and existing rows."""
    for goal in tables.GOALS:
        assert goal.scenario in tables.titles()
        assert not goal.peer or goal.peer in {tool.name for tool in tools.PEER_TOOLS}


def test_connected() -> None:
    """Only an established connection to the port counts as connected."""
    row = "   0: 0100007F:C350 0100007F:1F90 {} 00000000:00000000 00:00000000 00000000 0 0 1"
    assert starved.is_connected("sl\n" + row.format("01"), 8080) is True
    assert starved.is_connected("sl\n" + row.format("06"), 8080) is False
    assert starved.is_connected("sl\n" + row.format("01"), 8081) is False


def test_facts_do_not_identify_the_machine() -> None:
    """The facts about the machine contain neither its name nor a path."""
    facts = json.dumps(main.facts())
    assert socket.gethostname() not in facts.split('"')
    assert "/" not in facts.replace("/s", "")


@pytest.mark.parametrize("words", [["--rounds", "0"], ["--only", "nothing"], ["--peers", "curl"]])
def test_bad_options(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """An invalid option is an error, and nothing is measured."""
    with pytest.raises(SystemExit) as error:
        main.main(words)
    assert error.value.code == 2
    assert "error:" in capsys.readouterr().err
