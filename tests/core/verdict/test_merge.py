"""Evidence to verdict: what counts, and that missing evidence never passes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from ghmlops.core.evidence.document import Evidence, Provenance
from ghmlops.core.evidence.loaded import Loaded
from ghmlops.core.evidence.run import RunFacts
from ghmlops.core.model import Finding, Outcome, conclude
from ghmlops.core.verdict.merge import merge
from ghmlops.core.verdict.rules import Rules

COMMIT, OTHER = "a" * 40, "b" * 40
NOW = datetime(2026, 1, 2, tzinfo=UTC)


def rules(**changes: Any) -> Rules:
    """Return rules that need latency and regression."""
    defaults: dict[str, Any] = {"commit": COMMIT, "required": ("latency", "regression"), "now": NOW, "max_age": 86400.0}
    return Rules(**{**defaults, **changes})


def evidence(command: str = "latency", outcome: str = "pass", **changes: Any) -> Loaded:
    """Return a readable evidence file with one finding."""
    origin: dict[str, Any] = {
        "repository": "acme/s",
        "head_sha": COMMIT,
        "started": "2026-01-01T12:00:00Z",
        "run_id": "1",
    }
    origin |= changes.pop("origin", {})
    findings = changes.pop("findings", [finding(f"{command}-x", outcome)])
    leg = changes.get("leg", "")
    file = Evidence(
        command=command,
        outcome=Outcome(changes.pop("says", outcome)),
        provenance=Provenance(**origin),
        findings=findings,
        reason_code=conclude(findings)[1],
        **changes,
    )
    return Loaded(f"{command}-{leg}.json" if leg else f"{command}.json", "0" * 64, file, "")


def finding(name: str, outcome: str) -> Finding:
    """Return a finding."""
    return Finding(id=name, metric="m", outcome=Outcome(outcome), reason=f"{name}: {outcome}.", docs="x#y")


BOTH = [evidence("latency"), evidence("regression")]


def test_complete_and_good_passes() -> None:
    """Everything required, for this commit, fresh and passing: pass."""
    verdict = merge(BOTH, rules(), service="s", environment="production")
    assert (verdict.outcome, verdict.reason_code) == (Outcome.PASS, "all-passed")
    assert [(e.file, e.outcome) for e in verdict.evidence] == [
        ("latency.json", Outcome.PASS),
        ("regression.json", Outcome.PASS),
    ]
    assert verdict.commit == COMMIT


BROKEN = Loaded("regression.json", "", None, "truncated")


@pytest.mark.parametrize(
    ("files", "change", "outcome", "code"),
    [
        ([], {}, "inconclusive", "evidence-missing"),
        ([], {"required": ()}, "inconclusive", "nothing-measured"),
        ([evidence("latency")], {}, "inconclusive", "evidence-missing"),
        ([evidence("latency"), BROKEN], {}, "error", "evidence-unreadable"),
        ([evidence("latency", origin={"head_sha": OTHER}), evidence("regression")], {}, "error", "evidence-foreign"),
        ([evidence("latency", origin={"head_sha": ""}), evidence("regression")], {}, "error", "evidence-foreign"),
        (BOTH, {"repository": "else/where"}, "error", "evidence-foreign"),
        (BOTH, {"repository": "ACME/s"}, "pass", "all-passed"),
        (BOTH, {"max_age": 60.0}, "inconclusive", "evidence-stale"),
        (BOTH, {"now": datetime(2025, 1, 1, tzinfo=UTC)}, "inconclusive", "evidence-stale"),
        ([evidence("latency", origin={"started": ""}), evidence("regression")], {}, "inconclusive", "evidence-stale"),
        ([evidence("latency", origin={"started": "now"}), BOTH[1]], {}, "inconclusive", "evidence-stale"),
        ([evidence("latency", findings=[]), BOTH[1]], {}, "inconclusive", "evidence-empty"),
        ([evidence("latency", says="error"), BOTH[1]], {}, "error", "evidence-worse"),
        ([evidence("latency", "fail", says="pass"), BOTH[1]], {}, "error", "evidence-inconsistent"),
        ([evidence("latency", "warn"), BOTH[1]], {}, "warn", "latency-x"),
        ([evidence("latency", "inconclusive"), BOTH[1]], {}, "inconclusive", "latency-x"),
        ([*BOTH, evidence("latency", "fail", leg="eu")], {}, "fail", "latency-x"),
        ([evidence("latency", leg="confirm"), BOTH[1]], {}, "inconclusive", "evidence-missing"),
        ([BOTH[0], evidence("regression", "fail"), evidence("regression", leg="confirm")], {}, "fail", "regression-x"),
        (
            [evidence("latency", origin={"fingerprints": {"policy": "a"}}), BOTH[1]],
            {"policy": "a"},
            "pass",
            "all-passed",
        ),
        (
            [evidence("latency", origin={"fingerprints": {"policy": "a"}}), BOTH[1]],
            {"policy": "b"},
            "inconclusive",
            "evidence-policy",
        ),
    ],
)
def test_what_counts(files: list[Loaded], change: dict[str, Any], outcome: str, code: str) -> None:
    """Missing, stale, foreign, empty and unreadable evidence is inconclusive or error; the worst finding decides."""
    verdict = merge(files, rules(**change))
    assert (verdict.outcome.value, verdict.reason_code) == (outcome, code)


def test_a_foreign_file_names_both_commits() -> None:
    """The reason names the measured commit and the requested one."""
    verdict = merge([evidence("latency", origin={"head_sha": OTHER})], rules())
    assert OTHER in verdict.reason
    assert COMMIT in verdict.reason


RUN = RunFacts(run_id="1", attempt=2, repository="acme/s", head_sha=COMMIT)


def test_the_newest_attempt_counts() -> None:
    """A re-run of the same run replaces its earlier attempt, if GitHub knows the attempt."""
    first = evidence("latency", "fail", origin={"run_attempt": 1})._replace(file="one/latency.json", artifact="one")
    second = evidence("latency", "pass", origin={"run_attempt": 2})._replace(file="two/latency.json", artifact="two")
    verdict = merge([first, second, BOTH[1]], rules(run=RUN))
    assert (verdict.outcome, verdict.run_id, verdict.run_attempt) == (Outcome.PASS, "1", 2)
    assert [n.what for n in verdict.not_measured] == ["evidence file one/latency.json"]
    for useless in ({"started": "2020-01-01T00:00:00Z"}, {"started": ""}):
        stale = evidence("latency", "pass", origin={"run_attempt": 2, **useless})._replace(artifact="two")
        assert merge([first, stale, BOTH[1]], rules(run=RUN)).outcome is Outcome.FAIL
    empty = evidence("latency", "pass", origin={"run_attempt": 2}, findings=[])._replace(artifact="two")
    assert merge([first, empty, BOTH[1]], rules(run=RUN)).outcome is not Outcome.PASS


def test_an_attempt_that_nobody_confirms_replaces_nothing() -> None:
    """In a folder, without facts about the run, or in the same attempt, two files of one measurement are an error."""
    first = evidence("latency", "fail")._replace(file="one/latency.json")
    second = evidence("latency", "pass", origin={"run_attempt": 2})._replace(file="two/latency.json")
    same = evidence("latency", "pass")._replace(file="two/latency.json")
    for other, facts in ((second, None), (same, None), (same, RUN), (second, RUN)):
        verdict = merge([first, other, BOTH[1]], rules(run=facts))
        assert (verdict.outcome, verdict.reason_code) == (Outcome.ERROR, "evidence-duplicate")


def test_re_running_one_of_many_legs_keeps_the_others() -> None:
    """A re-run of one failed leg replaces that leg alone; the other failures stay."""
    legs = tuple(f"leg{index}" for index in range(20))
    files = [evidence("latency", "fail", leg=leg) for leg in legs]
    again = evidence("latency", "pass", leg="leg0", origin={"run_attempt": 2})
    again = again._replace(file="new/latency-leg0.json", artifact="new")
    judged = merge([*files, again, BOTH[1]], rules(run=RUN, legs={"latency": legs}))
    assert judged.outcome is Outcome.FAIL
    assert sum(f.outcome is Outcome.FAIL for f in judged.findings) == 19
    assert judged.legs["latency"] == tuple(sorted(legs))
    alone = merge([again, BOTH[1]], rules(run=RUN, legs={"latency": legs}))
    assert (alone.outcome, alone.reason_code) == (Outcome.INCONCLUSIVE, "evidence-missing")


def test_a_latency_failure_needs_a_second_run_to_be_acted_on() -> None:
    """Only the same finding failing again confirms; a regression failure follows from files and needs none."""
    alone = merge([evidence("latency", "fail"), evidence("regression", "fail")], rules())
    assert alone.confirmed == ["regression:regression-x"]
    again = evidence("latency", "fail", leg="confirm")
    assert merge([evidence("latency", "fail"), again, BOTH[1]], rules()).confirmed == ["latency:latency-x"]
    other = evidence("latency", leg="confirm", findings=[finding("latency-y", "fail")], says="fail")
    assert merge([evidence("latency", "fail"), other, BOTH[1]], rules()).confirmed == []


def test_a_contradicted_failure_is_inconclusive() -> None:
    """If the second run passes the same quantile, the result is undecided."""
    verdict = merge([evidence("latency", "fail"), evidence("latency", "pass", leg="confirm"), BOTH[1]], rules())
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "second run" in verdict.reason
    assert verdict.confirmed == []


@pytest.mark.parametrize(
    ("outcome", "expected"), [("inconclusive", "warn"), ("fail", "fail"), ("pass", "pass"), ("warn", "warn")]
)
def test_a_person_overrides_only_inconclusive(outcome: str, expected: str) -> None:
    """An override turns `inconclusive` into `warn` and is recorded; it never changes a failure."""
    verdict = merge([evidence("latency", outcome), BOTH[1]], rules(), override="seen by kim")
    assert verdict.outcome.value == expected
    assert bool(verdict.override) == (outcome == "inconclusive")
