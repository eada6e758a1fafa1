"""The gate's view of a repetition: exactly the file that is judged, or nothing was repeated."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

import evidence_folders as folders
from ghmlops.core.evidence.remeasured import Remeasured
from ghmlops.core.model import Outcome
from ghmlops.core.verdict.merge import merge
from ghmlops.core.verdict.repetition import repetition_findings

DIGEST = "0" * 64
REPEATED = {
    "file": "regression.json",
    "sha256": DIGEST,
    "rule": "evidence-repeated",
    "outcome": "pass",
    "reason": "So.",
}


def result(commit: str = folders.HEAD, **fields: Any) -> Remeasured:
    """Return a result with one repetition."""
    return msgspec.convert(
        {"schema": "ghmlops/remeasured/v1", "commit": commit, "repetitions": [{**REPEATED, **fields}]}, Remeasured
    )


def outcome(remeasured: Remeasured | None) -> tuple[Outcome, set[str]]:
    """Return the outcome of an honest folder and the ids of the findings on its repetition."""
    verdict = merge(folders.loaded(folders.latency(), folders.predictions()), folders.rules(remeasured=remeasured))
    return verdict.outcome, {f.id for f in verdict.findings if f.id.startswith("evidence-")}


@pytest.mark.parametrize(
    ("remeasured", "expected", "rule"),
    [
        (None, Outcome.PASS, None),
        (result(), Outcome.PASS, "evidence-repeated"),
        (Remeasured(), Outcome.INCONCLUSIVE, "evidence-not-repeated"),
        (Remeasured(commit=folders.HEAD), Outcome.INCONCLUSIVE, "evidence-not-repeated"),
        (result(folders.OTHER), Outcome.INCONCLUSIVE, "evidence-not-repeated"),
        (result(sha256="1" * 64), Outcome.INCONCLUSIVE, "evidence-not-repeated"),
        (result(sha256=""), Outcome.INCONCLUSIVE, "evidence-not-repeated"),
        (result(rule="evidence-differs", outcome="error"), Outcome.ERROR, "evidence-differs"),
        (result(rule="evidence-differs", outcome="pass"), Outcome.INCONCLUSIVE, "evidence-differs"),
        (result(rule="evidence-repeated", outcome="warn"), Outcome.INCONCLUSIVE, "evidence-repeated"),
        (result(rule="evidence-not-repeated", outcome="inconclusive"), Outcome.INCONCLUSIVE, "evidence-not-repeated"),
    ],
)
def test_outcomes(remeasured: Remeasured | None, expected: Outcome, rule: str | None) -> None:
    """Only the same result about the same file and commit passes; without a demand nothing is said."""
    assert outcome(remeasured) == (expected, {rule} if rule else set())


def test_an_unread_digest_matches_nothing() -> None:
    """A file without a digest is not the one that an entry without a digest names."""
    files = [file._replace(sha256="") for file in folders.loaded(folders.predictions())]
    (finding,) = repetition_findings(files, folders.rules(remeasured=result(sha256="")))
    assert (finding.id, finding.outcome) == ("evidence-not-repeated", Outcome.INCONCLUSIVE)


def test_latency_is_not_demanded() -> None:
    """A load test does not follow from files, so nothing repeats it."""
    files = folders.loaded(folders.latency())
    assert repetition_findings(files, folders.rules(remeasured=Remeasured())) == []
