"""Verdict on a replay: outcome and code by inputs and results, and the facts in its reason."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest

from core.reproduce.run_samples import evidence, provenance, with_fingerprints
from ghmlops.core.model import Outcome, conclude
from ghmlops.core.reproduce.replay import compare_runs
from ghmlops.core.reproduce.replay_findings import comparison_details, judge_replay, rule_replay, unknown_inputs


def with_candidate(value: float) -> dict[str, Any]:
    """Return the findings of the sample with another value of the first one's candidate."""
    first, *others = evidence().findings
    return {"findings": [msgspec.structs.replace(first, candidate=value), *others]}


OTHER_DATA = with_fingerprints(candidate="content:duckdb2.0:400:9999")


@pytest.mark.parametrize(
    ("fields", "outcome", "codes", "facts"),
    [
        ({}, Outcome.PASS, ["replay-identical"], ["4 findings", "1 measurement "]),
        (
            with_candidate(0.7),
            Outcome.FAIL,
            ["replay-not-reproducible"],
            ["1 of 4 findings", "regression-auc: candidate 0.81 became 0.7"],
        ),
        ({"reason": "x"}, Outcome.FAIL, ["replay-not-reproducible"], ["the outcome: reason"]),
        ({"provenance": OTHER_DATA}, Outcome.WARN, ["replay-other-inputs", "replay-data"], ["the data", "4 findings"]),
        (
            {"provenance": OTHER_DATA} | with_candidate(0.7),
            Outcome.INCONCLUSIVE,
            ["replay-other-inputs", "replay-data"],
            ["the data", "1 of 4 findings", "restore the artifacts"],
        ),
    ],
)
def test_inputs_and_results_decide(
    fields: dict[str, Any], outcome: Outcome, codes: list[str], facts: list[str]
) -> None:
    """Only the same results from the same inputs pass, and only other results from the same inputs fail."""
    comparison = compare_runs(evidence(), evidence(**fields))
    ruling, findings = rule_replay(comparison), judge_replay(comparison)
    assert (ruling.outcome, ruling.code) == (outcome, codes[0])
    assert [(finding.id, finding.outcome) for finding in findings] == [(code, outcome) for code in codes]
    assert conclude(findings)[0] is outcome
    assert [fact for fact in facts if fact not in ruling.reason] == []


@pytest.mark.parametrize(
    ("origin", "kind", "facts"),
    [
        (OTHER_DATA, "data", ["candidate", "content:duckdb2.0:400:2233", "content:duckdb2.0:400:9999"]),
        (with_fingerprints(candidate=""), "data", ["content:duckdb2.0:400:2233", "unknown"]),
        (with_fingerprints(code="git:zz"), "code", ["git:aa", "git:zz"]),
        (with_fingerprints(environment=""), "environment", ["sha256:bb", "unknown"]),
        (provenance(version="2"), "ghmlops", ["version was 1 and is 2"]),
        (provenance(seed=4), "settings", ["seed was unknown and is 4"]),
    ],
)
def test_another_input_has_a_finding_with_both_values(origin: Any, kind: str, facts: list[str]) -> None:
    """An input that one run lacks is unknown there."""
    findings = judge_replay(compare_runs(evidence(), evidence(provenance=origin)))
    assert findings[1].id == f"replay-{kind}"
    assert [fact for fact in facts if fact not in findings[1].reason] == []


def test_many_inputs_of_one_kind_are_counted() -> None:
    """A reason names three of them."""
    more = {f"set-{i}/candidate": f"content:duckdb2.0:1:{i}" for i in range(10)}
    finding = judge_replay(compare_runs(evidence(), evidence(provenance=with_fingerprints(**more))))[1]
    assert (finding.id, finding.n) == ("replay-data", 10)
    assert "and 7 more" in finding.reason


def test_inputs_without_a_fingerprint_are_not_measured() -> None:
    """They do not change the outcome."""
    bare = evidence(provenance=provenance(fingerprints={"policy": "sha256:cc"}))
    notes = unknown_inputs(compare_runs(bare, bare))
    assert [re.findall("code|environment", note.what) for note in notes] == [["code"], ["environment"]]


def test_the_evidence_lists_what_differs() -> None:
    """Both tables, the counts, and the digest of the replayed file."""
    fields = {"provenance": OTHER_DATA} | with_candidate(0.7)
    details = comparison_details(compare_runs(evidence(), evidence(**fields)), "old.json", "sha256:0")
    assert (details.file, details.sha256, details.differ) == ("old.json", "sha256:0", {"findings": 1})
    assert [(row.kind, row.name) for row in details.inputs] == [("data", "candidate")]
    assert [(row.entry, row.field, row.before, row.after) for row in details.differences] == [
        ("regression-auc", "candidate", 0.81, 0.7)
    ]
