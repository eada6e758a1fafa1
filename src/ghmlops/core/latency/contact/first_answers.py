"""What the answers to the first requests say: an arm that answers every one of them badly cannot be measured.

A service that answers 404, 401, 422 or 500 to everything, or leads to a log-in page, would fail a minute of load for a
reason that its first answer states. Each endpoint is requested a few times before the load; it is broken if every
answer is an unexpected status, or if it is an HTML page where the baseline answers JSON.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from ghmlops.core.model import Direction, Finding, Frozen, Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

DOCS = "actions/latency/README.md#the-first-requests"
BROKEN = "endpoint-broken"
BASELINE_BROKEN = "baseline-broken"
_MAX_ENDPOINTS = 3
"""Broken endpoints that a reason describes."""


class FirstAnswer(Frozen, frozen=True, kw_only=True):
    """The answer of one arm to the first requests of one endpoint.

    Attributes:
        endpoint: method and path of the endpoint.
        problem: what was wrong with every answer, such as `401 Unauthorized ("log in")`; empty if one was good, or if
            there was no answer, which the load judges.
        media_type: media type of the answer without parameters, in lower case; empty if it is unknown.
    """

    endpoint: str
    problem: str = ""
    media_type: str = ""

    @property
    def is_page(self) -> bool:
        """Whether the answer is an HTML page."""
        return self.media_type in ("text/html", "application/xhtml+xml")

    @property
    def is_data(self) -> bool:
        """Whether the answer is JSON."""
        return self.media_type == "application/json" or self.media_type.endswith("+json")


class Decision(StrEnum):
    """What follows from the first answers."""

    MEASURE = "measure"
    BROKEN = "broken"
    """Only the candidate is broken: a failure, which a second run on a fresh deployment must confirm."""
    NOTHING = "nothing"
    """There is nothing to compare the broken candidate with, so that nothing can be judged."""
    ALONE = "alone"
    """Only the baseline is broken, with all endpoints: the candidate is judged by its objectives alone."""


def decide(candidate: Sequence[FirstAnswer], baseline: Sequence[FirstAnswer] | None) -> tuple[Decision, str]:
    """Return what follows from the first answers of both arms, and a sentence about the broken endpoints.

    Args:
        candidate: one answer per endpoint.
        baseline: the same of the baseline, in the same order; `None` without one.
    """
    others: Sequence[FirstAnswer | None] = baseline or [None] * len(candidate)
    problems = [_problem(one, other) for one, other in zip(candidate, others, strict=True)]
    broken = [index for index, problem in enumerate(problems) if problem]
    if not broken:
        if baseline and all(answer.problem for answer in baseline):
            return Decision.ALONE, _sentence("baseline", [(a.endpoint, a.problem) for a in baseline])
        return Decision.MEASURE, ""
    alone = [index for index in broken if baseline and not baseline[index].problem]
    if alone:
        reason = _sentence("candidate", [(candidate[index].endpoint, problems[index]) for index in alone])
        return Decision.BROKEN, f"{reason}; the baseline answers well"
    if len(broken) < len(candidate):  # The load measures the others; a policy may tolerate the failures.
        return Decision.MEASURE, ""
    reason = _sentence("candidate", [(answer.endpoint, answer.problem) for answer in candidate])
    if baseline:
        reason += f"; {_sentence('baseline', [(answer.endpoint, answer.problem) for answer in baseline])}"
    return Decision.NOTHING, reason


def _problem(candidate: FirstAnswer, baseline: FirstAnswer | None) -> str:
    """Return what is wrong with the candidate's answer; empty if nothing is."""
    if not candidate.problem and baseline and not baseline.problem and candidate.is_page and baseline.is_data:
        return f"{candidate.media_type}, where the baseline answers {baseline.media_type}"
    return candidate.problem


def _sentence(arm: str, problems: Sequence[tuple[str, str]]) -> str:
    listed = ", ".join(f"{endpoint} with {problem}" for endpoint, problem in problems[:_MAX_ENDPOINTS])
    more = len(problems) - _MAX_ENDPOINTS
    return f"the {arm} answers {listed}" + (f" and {more} more endpoints badly" if more > 0 else "")


def broken_finding(reason: str, n: int) -> Finding:
    """Return the failure of a candidate with broken endpoints; `n` is the number of its endpoints."""
    text = f"{reason[:1].upper()}{reason[1:]}; no load was sent."
    return _finding(BROKEN, Outcome.FAIL, text, n)


def nothing_finding(reason: str, n: int) -> Finding:
    """Return the error of a run in which a broken endpoint of the candidate has no good one to be compared with."""
    text = f"{reason[:1].upper()}{reason[1:]}; no load was sent: check the address, the path and the headers."
    return _finding(BROKEN, Outcome.ERROR, text, n)


def no_objective_finding(reason: str, n: int) -> Finding:
    """Return the error of a run whose baseline does not answer and whose policy has no objective."""
    text = f"{reason[:1].upper()}{reason[1:]}, and `latency.slo` has no objective for the candidate alone."
    return _finding(BASELINE_BROKEN, Outcome.ERROR, text, n)


def answering_finding(n: int) -> Finding:
    """Return the finding of a confirming run in which all endpoints answer."""
    return _finding(BROKEN, Outcome.PASS, "Every endpoint of the candidate answers its first requests well.", n)


def alone_finding(reason: str, n: int) -> Finding:
    """Return the warning that nothing was compared, because the baseline does not answer."""
    text = f"{reason[:1].upper()}{reason[1:]}: the candidate is judged by its objectives alone."
    return _finding(BASELINE_BROKEN, Outcome.WARN, text, n)


def _finding(name: str, outcome: Outcome, reason: str, n: int) -> Finding:
    return Finding(
        id=name,
        metric="first-answers",
        description="Every endpoint answers its first requests with an expected status.",
        outcome=outcome,
        reason=reason,
        docs=DOCS,
        direction=Direction.LOWER,
        n=n,
    )
