"""`ghmlops import`: real outputs of other tools become evidence, judged by the policy; bad input is one line."""

from __future__ import annotations

import hashlib
import importlib
import io
import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from foreign_llm import vllm_result
from ghmlops.commands.shared.base import Services
from ghmlops.commands.shared.console import Console
from ghmlops.core.context import Context
from ghmlops.core.details import ImportDetails
from ghmlops.core.details.imported import FailedRequests
from ghmlops.core.errors import GhmlopsError, InputError, PolicyError
from ghmlops.core.evidence.document import Evidence
from ghmlops.core.histograms.histogram import Histogram
from ghmlops.core.histograms.hlog import LogInterval, log_unit, read_log, write_log
from ghmlops.core.model import Outcome
from ghmlops.measure.evidence import decode
from typed_details import details_of

if TYPE_CHECKING:
    from ghmlops.commands.shared.base import Result

command = importlib.import_module("ghmlops.commands.import")
"""A keyword of Python names the module, so it is loaded as the command line loads it."""
SAMPLES = Path(__file__).parent.parent / "measure" / "foreign" / "samples"
SHA = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A repository's folder with a policy."""
    write_policy(tmp_path, "{p50: 50ms, errors: 10%}")
    return tmp_path


def write_policy(place: Path, slo: str, more: str = "") -> None:
    text = f"version: 1\nservice: scorer\nlatency:\n  request: {{path: /predict{more}}}\n"
    (place / "policy.yml").write_text(text + (f"  slo: {slo}\n" if slo else ""), encoding="utf-8")


def run(place: Path, file: Path | str, **more: Any) -> Result:
    """Run the command in `place`."""
    services = Services(
        context=Context(head_sha=SHA, repository="acme/scorer"),
        environ={},
        cwd=place,
        now=lambda: datetime.now(UTC),
        console=Console(io.StringIO()),
    )
    done: Result = command.run(command.Inputs(policy="policy.yml", file=str(file), **more), services)
    return done


def read_evidence(place: Path, name: str = "import.json") -> Evidence:
    return decode((place / "evidence" / name).read_bytes(), Evidence, "ghmlops/evidence/v1", name)


def log(place: Path, values_ns: list[int]) -> Path:
    """Write an interval log of `values_ns`."""
    path = place / "run.hlog"
    histogram = Histogram.of(np.array(values_ns, np.int64))
    path.write_text(write_log([LogInterval("", 0.0, 1.0, histogram)], 1_700_000_000.0), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("name", "tool", "n", "p99"),
    [
        ("k6-handle-summary.json", "k6", 392, 3.1604),
        ("k6-summary-export.json", "k6", 392, None),
        ("vegeta-report.json", "vegeta-report", 200, 2.3969),
        ("oha.json", "oha", 400, 4.1693),
        ("locust_stats.csv", "locust", 1830, 6.0),
    ],
)
def test_real_files_become_evidence(place: Path, name: str, tool: str, n: int, p99: float | None) -> None:
    """Claim: evidence has the file's fingerprint, the commit, the tool, null for what is unknown, and what follows."""
    result = run(place, SAMPLES / name)
    evidence = read_evidence(place)
    (times,) = evidence.measurements
    digest = hashlib.sha256((SAMPLES / name).read_bytes()).hexdigest()
    assert ("import", SHA, tool) == (
        evidence.command,
        evidence.provenance.head_sha,
        details_of(evidence, ImportDetails).tool,
    )
    assert f"sha256:{digest}" == evidence.provenance.fingerprints["data"]
    assert ("response-time", "candidate", "ms", n, p99) == (
        times.id,
        times.arm,
        times.unit,
        times.n,
        times.values["p99"],
    )
    assert list(times.values) == ["mean", "p50", "p90", "p95", "p99", "p99.9", "max"]
    assert {f.id: f.outcome for f in evidence.findings} == {
        "objective-p50": Outcome.PASS,
        "objective-errors": Outcome.PASS,
    }
    assert Outcome.PASS == result.outcome == evidence.outcome
    assert ("" if p99 is None else f"{p99:.3f}") == result.outputs["p99"]
    assert ("p99 of the response time" in [row.what for row in evidence.not_measured]) == (p99 is None)
    assert not (place / "evidence" / "import.hlog").exists()


def test_known_times_leave_their_histogram(place: Path) -> None:
    """Claim: vegeta's results are judged exactly, and `import-<leg>.hlog` holds every time of them."""
    result = run(place, SAMPLES / "vegeta-results.jsonl", leg="one")
    text = (place / "evidence" / "import-one.hlog").read_text()
    (interval,) = read_log(text)
    rows = [json.loads(line) for line in (SAMPLES / "vegeta-results.jsonl").read_text().splitlines()]
    assert Histogram.of(np.array([row["latency"] for row in rows if row["code"] == 200])) == interval.histogram
    assert log_unit(text) == "ns"
    assert str(Path("evidence") / "import-one.json") == result.outputs["evidence-file"]
    assert read_evidence(place, "import-one.json").leg == "one"


def test_our_own_log_is_read_back(place: Path) -> None:
    """A log of this project states its unit; with the number of failures it is judged, without it cannot pass."""
    write_policy(place, "{p99: 5ms}")
    path = log(place, [1_000_000] * 2000)
    assert run(place, path).outcome == Outcome.INCONCLUSIVE
    assert "failed requests" in [row.what for row in read_evidence(place).not_measured]
    assert run(place, path, failed=0).outcome == Outcome.PASS
    assert run(place, path, failed=200).outcome == Outcome.FAIL


def test_slow_results_fail(place: Path) -> None:
    """Claim: a violation that the counts prove is a failure, with the numbers in its reason."""
    write_policy(place, "{p99: 5ms}")
    result = run(place, log(place, [1_000_000] * 900 + [9_000_000] * 100), failed=0)
    assert (result.outcome, result.reason_code) == (Outcome.FAIL, "objective-p99")
    assert "100 of 1,000 requests " in result.reason


def test_the_policys_statuses_count(place: Path) -> None:
    """Claim: where the policy expects 500 alone, the answers with 200 are the failures."""
    write_policy(place, "{errors: 10%}", more=", expect: {status: [500]}")
    assert run(place, SAMPLES / "oha.json").outcome == Outcome.FAIL
    assert details_of(read_evidence(place), ImportDetails).failed_requests == FailedRequests(min=392, max=392)


def test_requests_that_were_cut_off_pass_nothing(place: Path) -> None:
    """Claim: 1,000 fast answers do not hide 60 requests that hung until oha's deadline: neither pass nor failure."""
    write_policy(place, "{p99: 1s, errors: 1%}")
    body = {
        "summary": {"slowest": 0.01, "average": 0.005},
        "latencyPercentiles": {"p50": 0.005, "p99": 0.009},
        "statusCodeDistribution": {"200": 1000},
        "errorDistribution": {"aborted due to deadline": 60},
    }
    (place / "cut.json").write_text(json.dumps(body), encoding="utf-8")
    assert run(place, place / "cut.json").outcome == Outcome.INCONCLUSIVE
    body["errorDistribution"] = {}
    (place / "whole.json").write_text(json.dumps(body), encoding="utf-8")
    assert run(place, place / "whole.json").outcome == Outcome.PASS


def test_nothing_is_written_in_a_dry_run(place: Path) -> None:
    """Claim: a dry run judges and shows, and writes no file."""
    result = run(place, SAMPLES / "oha.json", dry_run=True)
    assert "objective-p50" in result.text
    assert not (place / "evidence").exists()


def test_a_policy_without_objectives_judges_nothing(place: Path) -> None:
    """Claim: without `slo` nothing can be judged, and without `latency` there is no section to judge by."""
    write_policy(place, "")
    with pytest.raises(InputError, match=r"policy\.yml has no `latency\.slo`"):
        run(place, SAMPLES / "oha.json")
    (place / "policy.yml").write_text("version: 1\nservice: scorer\n", encoding="utf-8")
    with pytest.raises(PolicyError, match="no section `latency`"):
        run(place, SAMPLES / "oha.json")


def test_a_leg_that_is_a_path_is_refused(place: Path) -> None:
    """Claim: the leg cannot lead out of the folder."""
    with pytest.raises(InputError, match="input `leg`"):
        run(place, SAMPLES / "oha.json", leg="../x")


def test_hostile_text_stays_printable(place: Path) -> None:
    """Claim: control characters of a file's name and content never reach the terminal raw."""
    path = place / "a\x1b[31m.json"
    path.write_text('{"summary": "\x1b[31m"}')
    with pytest.raises(GhmlopsError):
        run(place, path)
    path.write_bytes((SAMPLES / "oha.json").read_bytes())
    assert "\x1b" not in run(place, path).text


@pytest.mark.parametrize(
    ("content", "code"),
    [(b'{"metrics": [[[[', 2), ((SAMPLES / "locust_stats.csv").read_bytes(), 0), (b"\x00\xff" * 99, 2)],
)
def test_the_command_line(place: Path, content: bytes, code: int) -> None:
    """Claim: `ghmlops import` runs from the command line; a broken file is exit code 2, one line, no traceback."""
    (place / "results").write_bytes(content)
    environ = {"PATH": os.environ["PATH"], "GITHUB_SHA": SHA, "HOME": str(place)}
    done = subprocess.run(
        [sys.executable, "-m", "ghmlops", "import", "--policy", "policy.yml", "--file", "results"],
        cwd=place,
        env=environ,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert code == done.returncode, done.stderr
    assert (1 if code else 0) == len(done.stderr.splitlines())
    assert "Traceback" not in done.stderr


def test_no_log_of_an_earlier_import_is_left(place: Path) -> None:
    """Claim: `import.hlog` is of the evidence that lies beside it, or is not there."""
    run(place, log(place, [1_000_000] * 200), unit="ns", failed=0)
    assert (place / "evidence" / "import.hlog").exists()
    run(place, SAMPLES / "oha.json")
    assert not (place / "evidence" / "import.hlog").exists()


@pytest.mark.parametrize("name", ["k6-summary-dropped.json", "k6-new-summary-dropped.json", "k6-out-dropped.csv"])
def test_load_that_was_never_sent_is_an_error(place: Path, name: str) -> None:
    """k6 dropped 76 to 87 % of its iterations: no objective is judged, and the evidence states how many."""
    write_policy(place, "{p50: 1s, errors: 50%}")
    result = run(place, SAMPLES / name)
    assert result.outcome == Outcome.ERROR
    assert {f.id: f.outcome for f in read_evidence(place).findings} == {
        "objective-p50": Outcome.INCONCLUSIVE,
        "objective-errors": Outcome.INCONCLUSIVE,
        "guard-lateness": Outcome.ERROR,
    }


def test_a_planned_load_that_was_not_sent_is_an_error(place: Path) -> None:
    """Locust's file of a run that was stopped early looks complete; the input `planned` shows that it is not."""
    assert run(place, SAMPLES / "locust_stats.csv", planned=1840).outcome == Outcome.PASS
    assert run(place, SAMPLES / "locust_stats.csv", planned=2000).outcome == Outcome.ERROR
    assert "170 of 2,000" in next(f.reason for f in read_evidence(place).findings if f.id == "guard-lateness")


def test_first_tokens_become_a_measurement(place: Path) -> None:
    """The evidence of a benchmark of language models contains the times of the first token, and judges them."""
    write_policy(place, "{first-token: {p99: 100ms}}\n  stream: sse")
    (place / "vllm.json").write_text(vllm_result())
    result = run(place, "vllm.json")
    evidence = read_evidence(place)
    assert [(row.id, row.values["p99"]) for row in evidence.measurements] == [
        ("response-time", 900.0),
        ("first-token", 90.0),
    ]
    assert {f.id: f.outcome for f in evidence.findings} == {
        "objective-first-token-p99": Outcome.PASS,
        "guard-lateness": Outcome.PASS,
    }
    assert (result.outcome, result.outputs["p99"]) == (Outcome.PASS, "900.000")
