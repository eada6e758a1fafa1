"""Text of a result on a terminal: it contains the numbers, and data in it cannot control the terminal or the runner."""

from __future__ import annotations

import msgspec
import pytest

from ghmlops.core.details.imported import FailedRequests, ImportDetails
from ghmlops.core.details.latency import Confirmation, FailureKind
from ghmlops.core.model import Measurement, Outcome
from ghmlops.report.formats import terminal
from report import samples

HOSTILE = "::error::x \x1b[31m ##[group]y"


def test_lines_are_printable() -> None:
    """Escape sequences are written out, and a workflow command at the start of a line loses its effect."""
    text = terminal.block(["one", HOSTILE])
    assert text.splitlines()[0] == "one"
    assert "\x1b" not in text
    assert not text.splitlines()[1].startswith("::")
    assert "##[" not in text


def test_latency_shows_both_arms_and_every_finding() -> None:
    """One column of percentiles per arm, one line per finding, and the path of the evidence."""
    file = samples.latency(slow=True)
    text = terminal.latency(file, "evidence/latency.json")
    assert {"baseline", "candidate", "p50", "p95", "p99", "max"} <= set(text.split())
    assert all(finding.id in text for finding in file.findings)
    assert text.endswith("evidence: evidence/latency.json")


def test_latency_shows_failures_and_what_failed_again() -> None:
    """Failed requests are counted with an example; a confirming run names both lists of findings."""
    file = samples.latency()
    confirms = Confirmation(sha256="0", run_id="1", started="", failed=["latency-p50"], failed_again=[])
    details = msgspec.structs.replace(
        samples.latency_details(),
        failures={"candidate": {"status": FailureKind(count=1234, example=HOSTILE, codes={"503": 1234})}},
        confirms=confirms,
    )
    text = terminal.latency(msgspec.structs.replace(file, details=details), "x.json")
    assert "1,234" in text
    assert "latency-p50; failed again: none" in text
    assert "\x1b" not in text


def test_capacity_shows_the_curve_and_the_law() -> None:
    """One row per rate, the parameters of the law, and the predictions."""
    text = terminal.capacity(samples.capacity(), "x.json")
    details = samples.capacity_details()
    assert all(f"{point.rate:g}" in text for point in details.curve)
    assert details.law is not None
    assert "lambda" in text
    assert all(f"{row.rate:g}/s" in text for row in details.predicted)


@pytest.mark.parametrize("file", ["evidence/import.json", ""])
def test_import_shows_the_tool_and_the_known_times(file: str) -> None:
    """Times that the file does not contain are left out; a dry run names no file."""
    details = ImportDetails(
        tool="oha", file="o.json", requests=9, timed_requests=9, failed_requests=FailedRequests(min=0, max=0)
    )
    times = Measurement(id="response-time", arm="candidate", unit="ms", n=9, values={"p50": 1.5, "p99": None})
    evidence = samples.evidence("import", [], details=details, measurements=[times])
    lines = terminal.imported(evidence, file).splitlines()
    assert lines[0].startswith("import (oha): ")
    assert ("p50 1.500 ms" in lines[1], "p99" in lines[1]) == (True, False)
    assert (file in lines[-1]) if file else lines[-1].startswith("dry run")


def test_regression_shows_the_worst_findings_first() -> None:
    """The table begins with the worst outcome and names what it omits."""
    text = terminal.regression(samples.many_findings(100), "x.json")
    rows = [line.split()[0] for line in text.splitlines() if line.split()[:1] and line.split()[0] in set(Outcome)]
    assert rows == sorted(rows, key=lambda row: -Outcome(row).severity)
    assert "70 more" in text


def test_verdict_lists_files_and_what_was_not_measured_once() -> None:
    """Two equal entries of `not_measured` are one line."""
    result = samples.merged(samples.latency(), samples.latency(leg="eu"))
    lines = terminal.verdict(result, "production")
    assert lines[0].startswith(f"{result.outcome.value}: production, commit {result.commit}")
    assert [file.file in line for file, line in zip(result.evidence, lines[2:4], strict=True)] == [True, True]
    assert len(lines) == len(set(lines))
    nowhere = terminal.verdict(msgspec.structs.replace(result, commit=""), "production")
    assert nowhere[0] == f"{result.outcome.value}: production, no commit"
