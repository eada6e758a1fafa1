"""`ghmlops latency` against real services: verdicts, evidence, confirmation, bad input, interruption."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import signal
import socketserver
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import scoring_service
from ghmlops.act.evidence import write_evidence
from ghmlops.commands.latency.command import run
from ghmlops.commands.latency.inputs import Inputs
from ghmlops.commands.shared.base import Result, Services
from ghmlops.commands.shared.console import Console
from ghmlops.core.context import Context
from ghmlops.core.details import LatencyDetails
from ghmlops.core.errors import DataError, EvidenceError, InputError, PolicyError
from ghmlops.core.evidence.document import Evidence, Provenance
from ghmlops.core.latency.constants import LASTING_TO_FAIL
from ghmlops.core.model import Finding, Outcome
from ghmlops.measure.evidence import decode
from left_evidence import left_error
from typed_details import details_of

if TYPE_CHECKING:
    from collections.abc import Iterator

SHA = "0123456789abcdef0123456789abcdef01234567"
SECRET = "s3cr3t-token"
POLICY = """
version: 1
service: scorer
latency:
  request:
    method: POST
    path: {path}
    headers: {{content-type: application/json, authorization: {secret}}}
    timeout: 2s
  payloads: rows.jsonl
  arrivals: {{poisson: {rate}/s, duration: {duration}, warmup: 0.2s}}
  {more}
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A repository's folder with a payload file."""
    (tmp_path / "rows.jsonl").write_text("".join(f'{{"row": {i}}}\n' for i in range(5)), encoding="utf-8")
    return tmp_path


def write_policy(place: Path, *, path: str = "/predict", rate: int = 600, duration: str = "6s", more: str = "") -> None:
    text = POLICY.format(path=path, rate=rate, duration=duration, more=more, secret=SECRET)
    (place / "policy.yml").write_text(text, encoding="utf-8")


def services(place: Path) -> Services:
    return Services(
        context=Context(head_sha=SHA, repository="acme/scorer"),
        environ={},
        cwd=place,
        now=lambda: datetime.now(UTC),
        console=Console(io.StringIO()),
    )


def latency(place: Path, url: str, baseline: str = "", **more: Any) -> Result:
    """Run the command."""
    return run(Inputs(policy="policy.yml", url=url, baseline_url=baseline, **more), services(place))


def read_evidence(place: Path, name: str = "latency.json") -> Evidence:
    return decode((place / "evidence" / name).read_bytes(), Evidence, "ghmlops/evidence/v1", name)


def outcomes(evidence: Evidence) -> dict[str, str]:
    return {f.id: f.outcome.value for f in evidence.findings}


def test_two_like_services_do_not_fail(place: Path) -> None:
    """A/A: no finding fails; the evidence is whole, says where it comes from, and holds no secret."""
    write_policy(place, more="slo: {p99: 500ms, errors: 2%}")
    with scoring_service.started("--delay", "0.005") as a, scoring_service.started("--delay", "0.005") as b:
        result = latency(place, b, a)
    evidence = read_evidence(place)
    assert Outcome.FAIL not in {f.outcome for f in evidence.findings}
    expected = ["latency-p50", "latency-p95", "latency-p99", "error-ratio", "objective-p99", "objective-errors"]
    ids = [name for name in outcomes(evidence) if name != "saturation"]  # which a busy machine adds
    assert ids == [*expected, "guard-lateness", "guard-data", "guard-split"]
    assert (evidence.command, evidence.leg, evidence.provenance.head_sha, evidence.provenance.seed) == (
        "latency",
        "",
        SHA,
        1,
    )
    assert evidence.provenance.fingerprints["data"].startswith("sha256:")
    assert [m.arm for m in evidence.measurements] == ["baseline"] * 3 + ["candidate"] * 3
    details = details_of(evidence, LatencyDetails)
    order, duet = details.write_order, details.duet
    assert order is not None
    assert duet is not None
    assert order.pairs == details.judged_per_arm == sum(order.written_first.values())
    assert len(duet.log_ratios["p99"]) == order.pairs // 250
    assert SECRET not in (place / "evidence" / "latency.json").read_text(encoding="utf-8")
    assert result.outputs["evidence-file"] == "evidence/latency.json"
    assert 5.0 <= float(result.outputs["p99"]) < 2000
    assert 0.1 < float(result.outputs["ratio-p99"]) < 10
    assert "latency-p99" in result.text
    assert sorted(p.name for p in (place / "evidence").iterdir()) == ["latency.hlog", "latency.json"]


def test_a_slower_candidate_fails_early_and_is_confirmed(place: Path) -> None:
    """Six times as slow: fails after a part of the plan; the confirming run swaps the slots and fails again."""
    write_policy(
        place, rate=800, duration="20s"
    )  # the noise of a busy machine lasts: it needs more blocks than a quiet one
    with scoring_service.started("--delay", "0.005") as a, scoring_service.started("--delay", "0.03") as b:
        result = latency(place, b, a)
        latency(place, b, a, confirm="evidence/latency.json", seed=2)
    first, second = read_evidence(place), read_evidence(place, "latency-confirm.json")
    assert (result.outcome, result.reason_code) == (Outcome.FAIL, "latency-p50")
    assert result.reason.startswith("p50 rose from ")
    requests = details_of(first, LatencyDetails).settings.requests_per_arm
    assert details_of(first, LatencyDetails).judged_per_arm < requests.planned + requests.extension
    change = next(f.change for f in first.findings if f.id == "latency-p50")
    assert change is not None
    assert (change.estimate or 0) > 0.3  # the p99 is what the machine's pauses make of it
    assert [slot.arm for slot in details_of(first, LatencyDetails).settings.slots] == ["baseline", "candidate"]
    assert [slot.arm for slot in details_of(second, LatencyDetails).settings.slots] == ["candidate", "baseline"]
    assert (second.leg, second.outcome) == ("confirm", Outcome.FAIL)
    confirms = details_of(second, LatencyDetails).confirms
    assert confirms is not None
    assert "latency-p50" in confirms.failed
    assert "latency-p50" in confirms.failed_again


def test_failing_requests_fail_by_the_error_ratio(place: Path) -> None:
    """A candidate that answers one request in ten with 500 fails, and is counted by kind."""
    write_policy(place, rate=200, more="slo: {errors: 1%}")
    with (
        scoring_service.started("--delay", "0.003") as a,
        scoring_service.started("--delay", "0.003", "--fail-share", "0.1") as b,
    ):
        result = latency(place, b, a)
    evidence = read_evidence(place)
    assert (result.outcome, outcomes(evidence)["error-ratio"]) == (Outcome.FAIL, "fail")
    assert outcomes(evidence)["objective-errors"] == "fail"
    failures = details_of(evidence, LatencyDetails).failures["candidate"]["status"]
    assert failures.codes == {"500": failures.count}
    assert failures.example.startswith("HTTP/1.1 500")
    lines = [line for line in result.text.splitlines() if line.startswith("failed: candidate: status: ")]
    assert [f"{failures.count:,}" in line and "HTTP/1.1 500" in line for line in lines] == [True]
    assert any("response times of" in n.what for n in evidence.not_measured)


@pytest.mark.parametrize("dead", [("--fail-share", "1"), ("--delay", "600")])
def test_a_dead_candidate_fails(place: Path, dead: tuple[str, str]) -> None:
    """500 to every request, or no answer at all, against a fast baseline: `fail`, not `error`."""
    write_policy(place, rate=400, duration="6s")
    text = (place / "policy.yml").read_text(encoding="utf-8")
    (place / "policy.yml").write_text(text.replace("timeout: 2s", "timeout: 100ms"), encoding="utf-8")
    with scoring_service.started() as a, scoring_service.started(*dead) as b:
        result = latency(place, b, a)
    code = "endpoint-broken" if dead[0] == "--fail-share" else "error-ratio"
    assert (result.outcome, outcomes(read_evidence(place))[code]) == (Outcome.FAIL, "fail")


def test_queries_are_not_told(place: Path) -> None:
    """The query of the policy's path is sent, and stands neither in the plan nor in the evidence."""
    write_policy(place, path="/predict?key=s3cr3t", rate=300, duration="1s", more="slo: {p50: 1s}")
    assert "s3cr3t" not in latency(place, "http://127.0.0.1:9", dry_run=True).text
    with scoring_service.started() as b:
        latency(place, b)
    assert "POST /predict with 404" in read_evidence(place).findings[0].reason  # this service knows no query
    assert "s3cr3t" not in (place / "evidence" / "latency.json").read_text(encoding="utf-8")


def test_two_dead_services_are_an_error_with_evidence(place: Path) -> None:
    """Both arms refuse every request alike: nothing was compared, the outcome is `error`, and the evidence says why."""
    write_policy(place, path="/status/503")
    with scoring_service.started() as a, scoring_service.started() as b:
        result = latency(place, b, a)
    assert (result.outcome, result.reason_code) == (Outcome.ERROR, "endpoint-broken")
    assert result.outputs["p99"] == result.outputs["ratio-p99"] == ""
    assert "pass" not in {v for k, v in outcomes(read_evidence(place)).items() if not k.startswith("guard-")}


def test_a_broken_endpoint_is_known_before_the_load(place: Path) -> None:
    """A candidate that answers 404 against a good baseline fails at once; a second run confirms or contradicts it."""
    write_policy(place, path="/status/404", rate=600, duration="60s")
    with scoring_service.started() as bad, good_service() as good:
        began = time.monotonic()
        result = latency(place, bad, good)
        assert (result.outcome, result.reason_code) == (Outcome.FAIL, "endpoint-broken")
        assert "404" in result.reason
        latency(place, bad, good, confirm="evidence/latency.json")
        assert time.monotonic() - began < 60  # the load alone would last longer, twice
        again = read_evidence(place, "latency-confirm.json")
        assert outcomes(again) == {"endpoint-broken": "fail"}
        write_policy(place, path="/status/404", rate=600, duration="1s")
        with good_service() as other:
            latency(place, other, good, confirm="evidence/latency.json")
        assert outcomes(read_evidence(place, "latency-confirm.json"))["endpoint-broken"] == "pass"


def test_a_baseline_that_does_not_answer_leaves_the_objectives(place: Path) -> None:
    """Where only the baseline is broken, the candidate is judged by its objectives; without any, it is an error."""
    write_policy(place, path="/status/404", rate=400, duration="1s", more="slo: {p50: 1s}")
    with scoring_service.started() as bad, good_service() as good:
        latency(place, good, bad)
        results = outcomes(read_evidence(place))
        assert (results["baseline-broken"], results["objective-p50"]) == ("warn", "pass")
        assert "latency-p50" not in results
        write_policy(place, path="/status/404")
        result = latency(place, good, bad)
    assert (result.outcome, result.reason_code) == (Outcome.ERROR, "baseline-broken")


def test_a_limit_that_both_arms_miss_is_not_this_change(place: Path) -> None:
    """Both values are in the finding, which stays failed and cannot be confirmed."""
    write_policy(place, rate=400, duration="3s", more="slo: {p50: 1ms}")
    with scoring_service.started("--delay", "0.01") as a, scoring_service.started("--delay", "0.01") as b:
        latency(place, b, a)
    (finding,) = [f for f in read_evidence(place).findings if f.id == "objective-p50"]
    assert (finding.outcome, finding.confirmed) == (Outcome.FAIL, False)
    assert (finding.baseline or 0) > 10


@contextlib.contextmanager
def good_service() -> Iterator[str]:
    """A service that answers every POST with 200 and JSON."""

    class Good(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        request_queue_size = 256

    with Server(("127.0.0.1", 0), Good) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join(30)


def test_objectives_alone(place: Path) -> None:
    """Without a baseline the objectives judge; what was not compared is listed."""
    write_policy(place, rate=100, duration="2s", more="slo: {p90: 400ms, p50: 1ms}")
    with scoring_service.started("--delay", "0.01") as b:
        result = latency(place, b)
    evidence = read_evidence(place)
    assert outcomes(evidence)["objective-p50"] == "fail"
    assert outcomes(evidence)["objective-p90"] == "pass"
    assert result.outputs["ratio-p99"] == ""
    assert "latency against a baseline" in [n.what for n in evidence.not_measured]


def test_too_few_requests_are_inconclusive(place: Path) -> None:
    """Two blocks can decide nothing, and the reason says how many requests could."""
    write_policy(place, rate=500, duration="1s")
    with scoring_service.started() as a, scoring_service.started() as b:
        latency(place, b, a)
    evidence = read_evidence(place)
    assert outcomes(evidence)["latency-p99"] == "inconclusive"
    assert "1,250" in evidence.findings[0].reason


def test_dry_run_sends_nothing(place: Path) -> None:
    """Both addresses, the rate and the requests are printed; no connection is made and no file written."""
    write_policy(place)
    result = latency(place, "http://127.0.0.1:9", "http://127.0.0.1:10", dry_run=True)
    assert (result.outcome, result.reason_code) == (Outcome.PASS, "dry-run")
    for part in ("http://127.0.0.1:9", "http://127.0.0.1:10", "600/s", "3,500 per arm", "5 payloads"):
        assert part in result.text
    assert not (place / "evidence").exists()


def test_get_needs_no_payloads(place: Path) -> None:
    """GET without a payload file is loaded; POST without one is an error."""
    text = "version: 1\nservice: s\nlatency:\n  request: {method: METHOD, path: /predict}\n"
    text += "  arrivals: {constant: 200/s, duration: 1s, warmup: 100ms}\n  slo: {p90: 1s}\n"
    (place / "policy.yml").write_text(text.replace("METHOD", "GET"), encoding="utf-8")
    with scoring_service.started() as b:
        assert latency(place, b).outcome is not Outcome.FAIL
        assert details_of(read_evidence(place), LatencyDetails).settings.payloads == 0
        (place / "policy.yml").write_text(text.replace("METHOD", "POST"), encoding="utf-8")
        with pytest.raises(InputError, match="POST /predict needs request bodies"):
            latency(place, b)


@pytest.mark.parametrize(
    ("more", "arguments", "error", "message"),
    [
        ("", {"url": "nowhere"}, InputError, "input `url`: expected an http or https address"),
        ("", {"baseline_url": "ftp://x"}, InputError, "input `baseline-url`: "),
        ("", {"baseline_url": "http://127.0.0.1:9/"}, InputError, "are the same address"),
        ("", {"url": "http://LocalHost", "baseline_url": "http://localhost:80/"}, InputError, "are the same address"),
        ("", {"baseline_url": ""}, InputError, "nothing could be judged"),
        ("", {"payloads": "gone.parquet"}, DataError, r"gone\.parquet: no such file"),
        ("", {"confirm": "gone.json"}, EvidenceError, "does not exist"),
        ("", {"leg": "../x"}, InputError, "is not a plain name"),
        ("", {"evidence_dir": "policy.yml"}, InputError, "input `evidence-dir`: cannot write to"),
        ("", {"evidence_dir": "policy.yml/below"}, InputError, "input `evidence-dir`: cannot write to"),
        ("", {"policy": "gone.yml"}, PolicyError, r"gone\.yml: no such file"),
    ],
)
def test_bad_input(place: Path, more: str, arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    """Each mistake is named before anything is sent, with a hint, and the evidence is its error if it can have any."""
    write_policy(place, more=more)
    inputs = {"policy": "policy.yml", "url": "http://127.0.0.1:9", "baseline_url": "http://127.0.0.1:10"} | arguments
    with pytest.raises(error, match=message) as caught:
        run(Inputs(**inputs), services(place))
    assert getattr(caught.value, "hint", "")
    if "leg" in arguments or "evidence_dir" in arguments:
        assert not (place / "evidence").exists()
    else:
        name = "latency-confirm.json" if "confirm" in arguments else "latency.json"
        assert left_error(place / "evidence", name) == "latency-not-judged"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("version: 1\nservice: s\n", "has no section `latency`"),
        ("version: 1\nservice: s\nlatency: {arrivals: {constant: 1/h, duration: 1s}}\n", "sends no request"),
        ("version: 1\nservice: s\nlatency: {arrivals: {constant: 1/s, duration: 2h}}\n", "more than 7200"),
        ("version: 1\nservice: s\nlatency: {arrivals: {constant: 900000/s, duration: 1m}}\n", "requests per arm, more"),
    ],
)
def test_policies_that_cannot_run(place: Path, text: str, message: str) -> None:
    """No section, no request, and more than the hard caps are errors of the policy."""
    (place / "policy.yml").write_text(text, encoding="utf-8")
    with pytest.raises(PolicyError, match=message):
        latency(place, "http://127.0.0.1:9", "http://127.0.0.1:10")


@pytest.mark.parametrize(
    ("sha", "outcome", "message"),
    [("f" * 40, Outcome.FAIL, "was measured on commit"), (SHA, Outcome.PASS, "is not the evidence of a failed")],
)
def test_only_a_failed_run_of_this_commit_is_confirmed(place: Path, sha: str, outcome: Outcome, message: str) -> None:
    """Evidence without a failure, and evidence of another commit, are refused."""
    write_policy(place, more="slo: {p50: 1s}")
    finding = Finding(id="latency-p50", metric="p50", outcome=outcome, reason="Slower.", docs="a.md#b")
    origin = Provenance(repository="acme/scorer", head_sha=sha)
    first = Evidence(command="latency", outcome=outcome, findings=[finding], provenance=origin)
    write_evidence(place / "evidence", first)
    with pytest.raises(EvidenceError, match=message):
        latency(place, "http://127.0.0.1:9", confirm="evidence/latency.json")


def command(place: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "ghmlops", "latency", "--policy", str(place / "policy.yml"), *arguments]


def test_an_address_that_refuses_exits_2(place: Path) -> None:
    """One line with a hint, no traceback; the evidence is the error."""
    write_policy(place)
    argv = command(place, "--url", "http://127.0.0.1:9", "--baseline-url", "http://127.0.0.1:10")
    done = subprocess.run(
        argv, cwd=place, env=os.environ | {"GITHUB_SHA": SHA}, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert re.search(r"127\.0\.0\.1:(9|10)\b.*Connection refused;.* --(baseline-)?url", done.stderr)
    assert left_error(place / "evidence", "latency.json") == "latency-not-judged"


@contextlib.contextmanager
def never_answering() -> Iterator[tuple[str, threading.Event]]:
    """A service that reads and never answers; the event is set when a request has arrived."""
    requested = threading.Event()

    class Silent(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(OSError):
                while self.request.recv(65536):
                    requested.set()

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Silent) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", requested
        finally:
            server.shutdown()
            thread.join(30)


@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_run_exits_130_and_leaves_an_error(place: Path, number: signal.Signals, processes: int) -> None:
    """Stopped in the middle of its load, as a terminal does it to the whole group: exit 130, one line, no result and
    no temporary file.
    """
    write_policy(place, rate=200, duration="60s", more=f"processes: {processes}")
    with (
        never_answering() as (a, _),
        never_answering() as (b, requested),
        subprocess.Popen(
            command(place, "--url", b, "--baseline-url", a),
            cwd=place,
            env=os.environ | {"GITHUB_SHA": SHA},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as process,
    ):
        assert requested.wait(60)
        os.killpg(process.pid, number)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors.splitlines() == ["interrupted"]
    assert left_error(place / "evidence", "latency.json") == "latency-not-judged"
    assert sorted(path.name for path in place.iterdir()) == ["evidence", "policy.yml", "rows.jsonl"]


def test_json_and_exit_code(place: Path) -> None:
    """A failing run exits 1 and prints JSON that a script can read."""
    write_policy(place, rate=100, duration="2s", more="slo: {p50: 1ms}")
    environ = os.environ | {"GITHUB_SHA": SHA}
    with scoring_service.started("--delay", "0.01") as b:
        argv = command(place, "--url", b, "--json")
        done = subprocess.run(argv, cwd=place, env=environ, capture_output=True, text=True, timeout=60, check=False)
    output: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == 1, done.stderr
    assert (output["outcome"], output["reason_code"]) == ("fail", "objective-p50")
    assert output["evidence_file"] == "evidence/latency.json"
    assert output["p99_ms"] > 10


def write_demand(place: Path, arrivals: str, more: str = "") -> None:
    text = f"""
version: 1
service: scorer
latency:
  request: {{method: GET, path: /predict, timeout: 2s}}
  arrivals: {arrivals}
  slo: {{p90: 2s, errors: 20%}}
  {more}
"""
    (place / "policy.yml").write_text(text, encoding="utf-8")


def test_demand_with_a_course_is_run_whole(place: Path) -> None:
    """A ramp against a slower candidate: a failure that is plain early on does not cut the ramp short.

    A pair of blocks counts for less where the noise of one arm lasts, as on a busy machine, which the evidence states.
    """
    write_demand(place, "{ramp: {from: 400/s, to: 1100/s}, duration: 4s, warmup: 200ms}")
    with scoring_service.started("--delay", "0.003") as a, scoring_service.started("--delay", "0.03") as b:
        result = latency(place, b, a)
    evidence = read_evidence(place)
    details = details_of(evidence, LatencyDetails)
    assert details.judged_per_arm == details.settings.requests_per_arm.planned == 3000
    assert details.duet is not None
    assert details.duet.pairs + details.duet.blocks_without_enough_answers == 12
    if (details.duet.lasting_noise or 0.0) <= LASTING_TO_FAIL:
        assert (result.outcome, outcomes(evidence)["latency-p50"]) == (Outcome.FAIL, "fail")
    else:
        assert outcomes(evidence)["latency-p50"] in ("fail", "inconclusive")


def test_a_recording_is_replayed(place: Path) -> None:
    """Every recorded request is sent once, at twice its speed; the evidence names the recording and its fingerprint."""
    stamps = [1_700_000_000 + k * 0.01 + (k // 50) * 0.5 for k in range(200)]
    (place / "log.csv").write_text("time\n" + "".join(f"{stamp:.3f}\n" for stamp in stamps), encoding="utf-8")
    write_demand(place, "{replay: {file: log.csv, speed: 2}, warmup: 100ms}")
    dry = latency(place, "http://127.0.0.1:9", dry_run=True)
    assert dry.data["requests"] == 200
    log = place / "log"
    with scoring_service.started("--log", str(log)) as b:
        latency(place, b)
    evidence = read_evidence(place)
    details = details_of(evidence, LatencyDetails)
    assert details.replay is not None
    assert details.judged_per_arm == details.replay.requests == 200
    assert details.replay.first.startswith("2023-11-14T22:13:20")
    assert evidence.provenance.fingerprints["trace"].startswith("sha256:")
    trace = details.settings.arrivals.trace
    assert trace is not None
    assert trace.speed == 2.0


def test_a_run_that_begins_later_says_when(place: Path) -> None:
    """`start-at` without a shard: the run waits; a time in the past is reported as lateness and is no error."""
    write_demand(place, "{constant: 300/s, duration: 1s, warmup: 100ms}")
    start = time.time() + 2.0
    with scoring_service.started() as b:
        latency(place, b, start_at=f"{start:.3f}")
        generator = details_of(read_evidence(place), LatencyDetails).generator
        assert generator.began >= start - 0.05  # a clock may be set meanwhile
        latency(place, b, start_at="1700000000")
    generator = details_of(read_evidence(place), LatencyDetails).generator
    assert (generator.start_at, (generator.started_late_s or 0.0) > 1e6) == (1.7e9, True)


def test_streams_are_measured(place: Path) -> None:
    """Server-sent events: first byte and token, gaps and tokens per second are measured and judged."""
    slo = "{first-token: {p50: 5s}, token-gap: {p50: 5s}, errors: 20%}"
    text = f"""
version: 1
service: scorer
latency:
  request: {{method: GET, path: /stream/sse, timeout: 5s}}
  arrivals: {{constant: 60/s, duration: 2s, warmup: 100ms}}
  stream: sse
  slo: {slo}
"""
    (place / "policy.yml").write_text(text, encoding="utf-8")
    with scoring_service.started() as b:
        latency(place, b)
    evidence = read_evidence(place)
    units = {m.id: m.unit for m in evidence.measurements}
    first_times = ["time-to-first-byte", "time-to-first-token", "time-to-first-output-token"]
    assert list(units)[3:] == [*first_times, "token-gap", "tokens-per-second"]
    assert (units["token-gap"], units["tokens-per-second"]) == ("ms", "tokens/s")
    assert outcomes(evidence)["objective-first-token-p50"] == outcomes(evidence)["objective-token-gap-p50"] == "pass"
    first = next(m for m in evidence.measurements if m.id == "time-to-first-token")
    assert 0 < (first.values["p50"] or 0) < 5000


def test_a_mix_is_reported_per_endpoint(place: Path) -> None:
    """The evidence contains requests, failures and response times per endpoint, and they add up."""
    text = """
version: 1
service: scorer
latency:
  mix:
    - {name: good, path: /predict, method: GET, weight: 3}
    - {path: /status/503, method: GET, weight: 1}
  arrivals: {poisson: 400/s, duration: 1s, warmup: 100ms}
  slo: {errors: 90%}
"""
    (place / "policy.yml").write_text(text, encoding="utf-8")
    with scoring_service.started() as b:
        latency(place, b)
    good, bad = details_of(read_evidence(place), LatencyDetails).endpoints
    assert (good.endpoint, bad.endpoint) == ("good", "GET /status/503")
    assert good.candidate.requests + bad.candidate.requests == 400
    assert good.candidate.failed < bad.candidate.failed == bad.candidate.requests
    assert bad.candidate.response_time_ms["p50"] is None
