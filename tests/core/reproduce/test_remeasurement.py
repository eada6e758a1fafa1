"""The ruling on evidence that was measured again: what may differ, what may not, and what is unknown."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

import evidence_folders as folders
from ghmlops.core.details.regression import DatasetInputs, RegressionDetails, RegressionInputs
from ghmlops.core.evidence.document import Evidence
from ghmlops.core.model import Outcome
from ghmlops.core.reproduce.remeasurement import ABSOLUTE_TOLERANCE, RELATIVE_TOLERANCE, embellished, rule_remeasurement

PRINTS = {"policy": folders.POLICY_DIGEST, "baseline": "content:duckdb:1:aa", "candidate": "content:duckdb:1:bb"}
INPUTS = RegressionInputs(policy="p.yml", datasets=(DatasetInputs(baseline=("b",), candidate=("c",)),))


def measured(kind: str = "equal", *, engine: str = "duckdb", **origin: Any) -> Evidence:
    """Return evidence with fingerprints of its data."""
    evidence = folders.predictions(kind)
    assert isinstance(evidence.details, RegressionDetails)
    inputs = msgspec.structs.replace(INPUTS, engine=engine)
    details = msgspec.structs.replace(evidence.details, inputs=inputs)
    provenance = msgspec.structs.replace(evidence.provenance, **{"fingerprints": PRINTS, **origin})
    return msgspec.structs.replace(evidence, details=details, provenance=provenance)


def scaled(evidence: Evidence, ratio: float) -> Evidence:
    """Return evidence whose numbers of findings are larger by a ratio."""
    findings = [
        msgspec.structs.replace(f, candidate=f.candidate * (1 + ratio)) if f.candidate else f for f in evidence.findings
    ]
    return msgspec.structs.replace(evidence, findings=findings)


def ruling(before: Evidence, after: Evidence) -> tuple[str, Outcome]:
    """Return rule and outcome."""
    rule, outcome, reason = rule_remeasurement(before, after, "regression.json")
    assert "regression.json" in reason
    return rule, outcome


REPEATED, DIFFERS = ("evidence-repeated", Outcome.PASS), ("evidence-differs", Outcome.ERROR)
NOT_REPEATED = ("evidence-not-repeated", Outcome.INCONCLUSIVE)


@pytest.mark.parametrize("kind", ["equal", "worse"])
def test_equal_evidence_is_repeated(kind: str) -> None:
    """Good or bad: the repetition of a failure passes, because the failure is a finding by itself."""
    assert ruling(measured(kind), measured(kind)) == REPEATED


def test_rounding_is_no_difference_and_more_is() -> None:
    """A tenth of the tolerance is the same number; ten times as much is not."""
    evidence = measured()
    assert ruling(scaled(evidence, RELATIVE_TOLERANCE / 10), evidence) == REPEATED
    assert ruling(scaled(evidence, RELATIVE_TOLERANCE * 10), evidence) == DIFFERS
    assert ABSOLUTE_TOLERANCE < RELATIVE_TOLERANCE


def test_the_outcome_is_compared_exactly() -> None:
    """A good result that is claimed for a bad candidate, and the other way round."""
    assert ruling(measured("equal"), measured("worse")) == DIFFERS
    assert ruling(measured("worse"), measured("equal")) == DIFFERS


@pytest.mark.parametrize("role", ["baseline", "candidate"])
@pytest.mark.parametrize("value", ["", "content:duckdb:1:cc", "content:other:1:aa"])
def test_the_digests_of_the_data_are_compared(role: str, value: str) -> None:
    """Another content, none, or one of an engine that the evidence does not name: an error although results agree."""
    prints = {k: v for k, v in {**PRINTS, role: value}.items() if v}
    assert ruling(measured(fingerprints=prints), measured()) == DIFFERS


def test_another_release_or_engine_excuses_other_numbers_only() -> None:
    """Same results: repeated. Other numbers: inconclusive. A better outcome: an error."""
    spark = {"engine": "spark", "fingerprints": {**PRINTS, "baseline": "content:spark:1:aa"}}
    for other in ({"version": "0.9"}, spark):
        before = measured(**other)
        assert ruling(before, measured()) == REPEATED
        assert ruling(scaled(before, 0.001), measured()) == NOT_REPEATED
        assert ruling(before, measured("worse")) == DIFFERS


def test_a_claim_that_is_worse_does_not_embellish() -> None:
    """Better or absent findings embellish; worse and additional ones do not."""
    good, bad = measured("equal"), measured("worse")
    assert embellished(good, bad)
    assert not embellished(bad, bad)
    assert not embellished(good, good)
    assert embellished(msgspec.structs.replace(bad, findings=bad.findings[1:]), bad)
    assert embellished(msgspec.structs.replace(bad, outcome=Outcome.PASS), bad)
