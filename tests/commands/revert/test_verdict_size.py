"""A verdict that `gate` writes can be read by `revert`, whatever the evidence contains."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from ghmlops.act.evidence import encode
from ghmlops.core.evidence.document import Evidence, Provenance
from ghmlops.core.evidence.loaded import Loaded
from ghmlops.core.model import Direction, Finding, Interval, Outcome, conclude
from ghmlops.core.revert.grounds import decide_grounds
from ghmlops.core.verdict.merge import merge
from ghmlops.core.verdict.rules import Rules
from ghmlops.measure.evidence import MAX_FILE_BYTES, read_verdict

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

A, B = "a" * 40, "b" * 40
NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


def evidence(findings: list[Finding]) -> Evidence:
    """Return evidence of a failed comparison of predictions with `B`."""
    origin = Provenance(
        repository="acme/shop",
        head_sha=A,
        base_sha=B,
        service="shop",
        run_id="1",
        version="1",
        started="2026-11-28T11:00Z",
    )  # fmt: skip
    outcome, code, reason = conclude(findings)
    return Evidence(
        command="regression", outcome=outcome, provenance=origin, reason_code=code, reason=reason, findings=findings
    )


def failure(number: int, reason: str, outcome: Outcome = Outcome.FAIL) -> Finding:
    """Return a finding about one slice, with numbers that fit its outcome."""
    fails = outcome is Outcome.FAIL
    change = Interval(estimate=-0.05, low=-0.06, high=-0.04) if fails else Interval(estimate=0.0, low=0.0, high=0.0)
    return Finding(
        id="accuracy", metric="accuracy", outcome=outcome, reason=reason, docs="d", slice={"country": f"{number}"},
        direction=Direction.HIGHER, baseline=0.9, candidate=0.9 + (change.estimate or 0.0), change=change, margin=0.01,
        n=10_000, method="paired z",
    )  # fmt: skip


@pytest.mark.parametrize(
    "findings",
    [
        lambda: [failure(n, "worse " * 20) for n in range(50_000)],
        lambda: [failure(n, "fine", Outcome.PASS) for n in range(50_000)] + [failure(-1, "worse")],
        lambda: [failure(n, "w" * 2_000_000) for n in range(15)],
        lambda: [failure(0, "w" * (30 * 1024 * 1024))],
        lambda: [failure(0, "\u0000\u2028é" * 4_000_000)],
    ],
    ids=["many", "one among many", "long", "very long", "escaped"],
)
def test_largest_verdict_is_readable(tmp_path: Path, findings: Callable[[], list[Finding]]) -> None:
    """Whatever the number and length of the findings, the verdict is small enough, and its failure is confirmed."""
    loaded = Loaded("regression.json", "0" * 64, evidence(findings()), "")
    rules = Rules(commit=A, required=("regression",), now=NOW, max_age=7 * 86400.0, repository="acme/shop")
    path = tmp_path / "verdict.json"
    path.write_bytes(encode(merge([loaded], rules, service="shop", environment="production")))
    assert path.stat().st_size < MAX_FILE_BYTES / 2
    verdict = read_verdict(path)
    grounds = decide_grounds(verdict, "")
    assert (verdict.outcome, grounds.verdict_commit, grounds.verdict_base) == (Outcome.FAIL, A, B)
