"""Each reason why evidence does not count has its own finding, which names the file and what is wrong."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

import evidence_folders as folders
from evidence_folders import OTHER, latency, loaded, predictions, rules
from ghmlops.core.model import Outcome
from ghmlops.core.verdict.merge import merge
from ghmlops.core.verdict.problems import DESCRIPTIONS

replace = msgspec.structs.replace
ERROR, INCONCLUSIVE = Outcome.ERROR, Outcome.INCONCLUSIVE


@pytest.mark.parametrize(
    ("origin", "expected", "outcome"),
    [
        ({"repository": "acme/other"}, "evidence-foreign", ERROR),
        ({"head_sha": OTHER}, "evidence-foreign", ERROR),
        ({"service": "other"}, "evidence-foreign", ERROR),
        ({"run_id": "666"}, "evidence-foreign", ERROR),
        ({"event": "pull_request"}, "evidence-foreign", ERROR),
        ({"workflow": ".github/workflows/x.yml"}, "evidence-foreign", ERROR),
        ({"repository": ""}, "evidence-anonymous", ERROR),
        ({"version": ""}, "evidence-anonymous", ERROR),
        ({"service": ""}, "evidence-anonymous", ERROR),
        ({"fingerprints": {}}, "evidence-anonymous", ERROR),
        ({"run_attempt": 3}, "evidence-attempt", ERROR),
        ({"run_attempt": 0}, "evidence-attempt", ERROR),
        ({"started": "2026-01-01T00:00:00Z"}, "evidence-stale", INCONCLUSIVE),
        ({"started": "2026-12-01T00:00:00Z"}, "evidence-stale", INCONCLUSIVE),
        ({"fingerprints": {"policy": "sha256:0"}}, "evidence-policy", INCONCLUSIVE),
        ({"base_sha": OTHER}, "evidence-baseline", INCONCLUSIVE),
        ({"base_sha": ""}, "evidence-baseline", INCONCLUSIVE),
    ],
)
def test_another_origin(origin: dict[str, Any], expected: str, outcome: Outcome) -> None:
    """What does not belong to this commit, repository, service, run, attempt, policy or baseline has its finding."""
    evidence = latency()
    foreign = replace(evidence, provenance=replace(evidence.provenance, **origin))
    verdict = merge(loaded(foreign, predictions()), rules())
    (finding,) = [f for f in verdict.findings if f.id == expected]
    assert (finding.outcome, "latency.json" in finding.reason) == (outcome, True)
    assert verdict.outcome is outcome


@pytest.mark.parametrize(
    ("facts", "outcome"),
    [
        ({"head_sha": OTHER}, ERROR),
        ({"repository": "acme/other"}, ERROR),
        ({"head_repository": "mallory/shop"}, ERROR),
        ({"conclusion": "cancelled"}, INCONCLUSIVE),
    ],
)
def test_another_run(facts: dict[str, Any], outcome: Outcome) -> None:
    """A run of another commit or repository, of a fork's push, or one that was cancelled, has its finding."""
    verdict = merge(loaded(latency(), predictions()), rules(run=replace(folders.RUN, **facts)))
    assert {f.outcome for f in verdict.findings if f.id == "evidence-run"} == {outcome}


def test_a_pull_request_of_a_fork_is_no_contradiction() -> None:
    """The head of a pull request may be in a fork."""
    run = replace(folders.RUN, head_repository="mallory/shop", event="pull_request")
    files = [replace(e, provenance=replace(e.provenance, event="pull_request")) for e in (latency(), predictions())]
    assert merge(loaded(*files), rules(run=run)).outcome is Outcome.PASS


def test_a_failure_by_another_policy_stays_a_failure() -> None:
    """Evidence of another policy or baseline is not withdrawn: its failure still counts."""
    for origin in ({"fingerprints": {"policy": "sha256:0"}}, {"base_sha": OTHER}):
        bad = predictions("worse")
        foreign = replace(bad, provenance=replace(bad.provenance, **origin))
        assert merge(loaded(latency(), foreign), rules()).outcome is Outcome.FAIL


def test_every_finding_is_documented() -> None:
    """The README of `gate` has a row for each, and no other row."""
    readme = (folders.ROOT / "actions/gate/README.md").read_text(encoding="utf-8")
    section = readme.partition("## What counts as evidence")[2].partition("\n## ")[0]
    rows = [line.split("`")[1] for line in section.splitlines() if line.startswith("| `")]
    assert sorted(rows) == sorted(DESCRIPTIONS)
