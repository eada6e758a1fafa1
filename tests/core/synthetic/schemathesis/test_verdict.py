"""The verdict on reports of Schemathesis: what only the candidate fails, and what proves it."""

from __future__ import annotations

from collections import Counter

import pytest

from ghmlops.core.model import Outcome
from ghmlops.core.synthetic.constants import REASKED_CASES
from ghmlops.core.synthetic.schemathesis.report import Failure, Kind, Report
from ghmlops.core.synthetic.schemathesis.verdict import (
    Described,
    failure_rows,
    finding,
    kinds_to_ask,
    relation_rows,
)

CRASH = Kind("not_a_server_error", "POST /predict", "Server error", 500)
OTHER = Kind("status_code_conformance", "POST /predict", "Undocumented status code", 418)


def report(*kinds: Kind, checks: int = 100, finished: bool = True) -> Report:
    failed = Counter(kind.check for kind in kinds)
    checked = Counter({"not_a_server_error": checks, "status_code_conformance": checks} if checks else {})
    failure = Failure("POST", "/predict", "application/json", b'{"name": "Ada"}')
    return Report(
        version="4.32.5", checked=checked, failed=failed, kinds=dict.fromkeys(kinds, failure), finished=finished
    )


@pytest.mark.parametrize(
    ("candidate", "baseline", "proven", "outcome"),
    [
        (report(), report(), {}, Outcome.PASS),
        (report(CRASH), report(), {CRASH: True}, Outcome.FAIL),
        (report(CRASH), report(), {CRASH: False}, Outcome.WARN),
        (report(CRASH), report(CRASH), {}, Outcome.WARN),
        (report(CRASH), None, {}, Outcome.WARN),
        (report(), None, {}, Outcome.PASS),
        (report(checks=0), report(checks=0), {}, Outcome.INCONCLUSIVE),
        (report(finished=False), report(), {}, Outcome.INCONCLUSIVE),
        (report(), report(finished=False), {}, Outcome.INCONCLUSIVE),
        (report(CRASH, finished=False), report(), {CRASH: True}, Outcome.FAIL),
    ],
)
def test_only_what_is_proven_fails(
    candidate: Report, baseline: Report | None, proven: dict[Kind, bool], outcome: Outcome
) -> None:
    """The baseline's failures, what did not repeat, and runs that were cut off are no failures of the candidate."""
    described = Described(candidate=candidate, baseline=baseline, proven=proven, repetitions=11)
    result = finding(described)
    assert result.outcome is outcome
    assert ("500" in result.reason) == (CRASH in candidate.kinds)
    assert "Ada" not in result.reason


def test_new_kinds_are_asked_again_a_few_per_check() -> None:
    """Not those that the baseline has, nor those without a request, nor anything without a baseline."""
    many = [CRASH._replace(operation=f"GET /{index}") for index in range(9)]
    candidate = report(*many, OTHER)
    candidate.kinds[many[0]] = Failure("", "", "", None)
    assert kinds_to_ask(candidate, report(many[1])) == [*many[2 : 2 + REASKED_CASES], OTHER]
    assert kinds_to_ask(candidate, None) == []


def test_the_rows_name_checks_and_hold_no_value() -> None:
    """Requests and answers stay out of the evidence."""
    described = Described(candidate=report(OTHER, CRASH), baseline=report(OTHER), proven={CRASH: True}, repetitions=11)
    rows = {
        row.relation: (row.outcome, row.candidate, row.baseline, row.only_candidate) for row in relation_rows(described)
    }
    assert rows == {
        "schemathesis not_a_server_error": ("fail", 1, 0, 1),
        "schemathesis status_code_conformance": ("warn", 1, 1, 0),
    }
    failures = failure_rows(described)
    assert [failure.observed for failure in failures] == [
        "Server error, status 500",
        "Undocumented status code, status 418",
    ]
    assert not any("Ada" in str(failure) for failure in failures)
