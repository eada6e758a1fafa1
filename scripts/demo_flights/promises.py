"""Expectations of the demo, as pure functions of evidence and verdicts; each returns the failed expectations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ghmlops.core.evidence.document import Evidence, Verdict
from ghmlops.core.model import Finding, Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

BROKEN = {"origin": "LGA", "carrier": "WN"}
"""The slice that the bad change breaks: 2 % of the flights, too few to be visible in any average."""
ALLOWED = (Outcome.PASS, Outcome.WARN)


def fair_passed(verdict: Verdict, commit: str) -> list[str]:
    """Return the reasons why the fair candidate did not pass the gate; empty if it passed."""
    failed = _about(verdict, commit)
    if verdict.outcome not in ALLOWED:
        failed.append(f"the outcome of the gate is {verdict.outcome.value}: {verdict.reason}")
    return failed


def bad_failed(evidence: Sequence[Evidence], commit: str) -> list[str]:
    """Return the reasons why the bad candidate did not fail as expected; empty if it did.

    Expected: predictions are worse in the broken slice, in no slice outside of it, and responses are slower.
    """
    of_commit = [e for e in evidence if e.provenance.head_sha == commit]
    failed = [] if len(of_commit) == len(evidence) else [f"there is evidence of another commit than {commit[:7]}"]
    if not [f for f in failures(of_commit, "regression") if f.slice == BROKEN]:
        failed.append(f"no failed finding of `regression` names the broken slice {_slice_text(BROKEN)}")
    others = [f for f in failures(of_commit, "regression") if any(BROKEN.get(c, v) != v for c, v in f.slice.items())]
    failed += [f"`regression` failed for the unaffected slice {_slice_text(f.slice)}: {f.reason}" for f in others]
    if not failures(of_commit, "latency"):
        failed.append("no finding of `latency` failed, although responses are slower")
    return failed


def deployment_refused(verdict: Verdict, commit: str) -> list[str]:
    """Return the reasons why the gate did not reject the merged commit for a failure; empty if it did."""
    failed = _about(verdict, commit)
    if verdict.outcome is not Outcome.FAIL:
        failed.append(f"the outcome of the gate should be fail, not {verdict.outcome.value}: {verdict.reason}")
    return failed


def failures(evidence: Sequence[Evidence], command: str) -> list[Finding]:
    """Return the failed findings of a command's evidence, those about the broken slice first."""
    findings = [f for e in evidence if e.command == command for f in e.findings if f.outcome is Outcome.FAIL]
    return sorted(findings, key=lambda f: f.slice != BROKEN)


def _about(verdict: Verdict, commit: str) -> list[str]:
    return [] if verdict.commit == commit else [f"the verdict is about {verdict.commit[:7]}, not about {commit[:7]}"]


def _slice_text(slice_: Mapping[str, object]) -> str:
    return ", ".join(f"{column} = {value}" for column, value in slice_.items())


def stopped_at_a_quarter(good: Mapping[str, Any], bad: Mapping[str, Any]) -> list[str]:
    """Return what does not hold of the two promotions: the good one passed every rung, the other one ended at 25 %.

    Args:
        good: Record of the good commit.
        bad: Record of the commit that is slow under load.
    """
    failures = []
    if [rung["passed"] for rung in good["rungs"]] != [True, True, True]:
        failures.append("the good commit did not pass every rung")
    rungs = [(rung["share"], rung["passed"]) for rung in bad["rungs"]]
    if rungs != [(0.05, True), (0.25, False)]:
        failures.append(f"the slow commit ended at the rungs {rungs}, not at 25 %")
    if bad["reason_code"] != "errors-above-objective":
        failures.append(f"the slow commit was stopped by {bad['reason_code']}")
    return failures
