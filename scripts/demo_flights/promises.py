"""What the demo promises, as pure functions over evidence and git objects; each returns what does not hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.evidence.document import Evidence, Verdict
from ghmlops.core.model import Finding, Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

BROKEN = {"origin": "LGA", "carrier": "WN"}
"""The slice that the bad change breaks: 2 % of the flights, too few to show in any average."""
LET_THROUGH = (Outcome.PASS, Outcome.WARN)


def fair_passed(verdict: Verdict, commit: str) -> list[str]:
    """Return why the fair candidate cannot be said to have passed the gate; empty where it has."""
    wrong = _about(verdict, commit)
    if verdict.outcome not in LET_THROUGH:
        wrong.append(f"the gate said {verdict.outcome.value}: {verdict.reason}")
    return wrong


def bad_failed(evidence: Sequence[Evidence], commit: str) -> list[str]:
    """Return why the bad candidate cannot be said to have failed for the right reasons; empty where it has.

    The right reasons are: predictions are worse in the broken slice, in no slice apart from it, and answers are slower.
    """
    own = [e for e in evidence if e.provenance.head_sha == commit]
    wrong = [] if len(own) == len(evidence) else [f"there is evidence of another commit than {commit[:7]}"]
    if not [f for f in failures(own, "regression") if f.slice == BROKEN]:
        wrong.append(f"no failed finding of `regression` names the broken slice {_shown(BROKEN)}")
    apart = [f for f in failures(own, "regression") if any(BROKEN.get(c, v) != v for c, v in f.slice.items())]
    wrong += [f"`regression` failed for {_shown(f.slice)}, which nothing broke: {f.reason}" for f in apart]
    if not failures(own, "latency"):
        wrong.append("no finding of `latency` failed, although answers are slower")
    return wrong


def deployment_refused(verdict: Verdict, commit: str) -> list[str]:
    """Return why the gate cannot be said to have refused the merged commit for a failure; empty where it has."""
    wrong = _about(verdict, commit)
    if verdict.outcome is not Outcome.FAIL:
        wrong.append(f"the gate should have failed, and said {verdict.outcome.value}: {verdict.reason}")
    return wrong


def failures(evidence: Sequence[Evidence], command: str) -> list[Finding]:
    """Return the failed findings of a command's evidence, those about the broken slice first."""
    found = [f for e in evidence if e.command == command for f in e.findings if f.outcome is Outcome.FAIL]
    return sorted(found, key=lambda f: f.slice != BROKEN)


def _about(verdict: Verdict, commit: str) -> list[str]:
    return [] if verdict.commit == commit else [f"the verdict is about {verdict.commit[:7]}, not about {commit[:7]}"]


def _shown(slice_: Mapping[str, object]) -> str:
    return ", ".join(f"{column} = {value}" for column, value in slice_.items())
