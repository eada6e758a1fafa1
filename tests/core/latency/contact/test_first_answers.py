"""What the first answers of both arms lead to: a load, a failure to confirm, an error, or the candidate alone."""

from __future__ import annotations

import pytest

from ghmlops.core.latency.contact import first_answers as answers
from ghmlops.core.latency.contact.first_answers import Decision, FirstAnswer, decide
from ghmlops.core.model import Outcome

GOOD = FirstAnswer(endpoint="POST /a", media_type="application/json")
PAGE = FirstAnswer(endpoint="POST /a", media_type="text/html")
BAD = FirstAnswer(endpoint="POST /a", problem="401 Unauthorized")
OTHER = FirstAnswer(endpoint="POST /b", problem="404 Not Found")
TEXT = FirstAnswer(endpoint="POST /a", media_type="text/plain")


@pytest.mark.parametrize(
    ("candidate", "baseline", "decision", "parts"),
    [
        ([GOOD], None, Decision.MEASURE, ()),
        ([GOOD], [GOOD], Decision.MEASURE, ()),
        ([PAGE], None, Decision.MEASURE, ()),
        ([PAGE], [PAGE], Decision.MEASURE, ()),
        ([PAGE], [TEXT], Decision.MEASURE, ()),
        ([PAGE], [GOOD], Decision.BROKEN, ("text/html", "application/json")),
        ([BAD], None, Decision.NOTHING, ("401 Unauthorized",)),
        ([BAD], [GOOD], Decision.BROKEN, ("401 Unauthorized", "POST /a")),
        ([BAD], [OTHER], Decision.NOTHING, ("401", "404")),
        ([GOOD, OTHER], [GOOD, GOOD], Decision.BROKEN, ("POST /b", "404")),
        ([BAD, OTHER], [GOOD, OTHER], Decision.BROKEN, ("POST /a", "401")),
        ([GOOD, OTHER], [GOOD, OTHER], Decision.MEASURE, ()),
        ([GOOD, OTHER], None, Decision.MEASURE, ()),
        ([GOOD], [BAD], Decision.ALONE, ("baseline", "401")),
        ([GOOD, GOOD], [BAD, GOOD], Decision.MEASURE, ()),
        ([BAD] * 5, None, Decision.NOTHING, ("2 more",)),
    ],
)
def test_what_follows(
    candidate: list[FirstAnswer], baseline: list[FirstAnswer] | None, decision: Decision, parts: tuple[str, ...]
) -> None:
    """A broken candidate fails only against a baseline that answers; a broken baseline leaves the objectives."""
    actual, reason = decide(candidate, baseline)
    assert actual is decision
    assert bool(reason) == bool(parts)
    assert all(part in reason for part in parts)


def test_findings_have_the_outcome_of_the_decision() -> None:
    """A failure can be confirmed and contradicted, because all have one id; a broken baseline is a warning."""
    assert [f.outcome for f in (answers.broken_finding("x", 1), answers.answering_finding(1))] == [
        Outcome.FAIL,
        Outcome.PASS,
    ]
    assert answers.nothing_finding("x", 1).outcome is Outcome.ERROR
    assert answers.alone_finding("x", 2).outcome is Outcome.WARN
    assert answers.no_objective_finding("x", 2).outcome is Outcome.ERROR
    assert {answers.broken_finding("x", 1).id, answers.answering_finding(1).id} == {"endpoint-broken"}
