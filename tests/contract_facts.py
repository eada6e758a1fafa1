"""Facts of two artifacts with few faults, for the tests of the contract."""

from __future__ import annotations

from typing import Any

from ghmlops.core.model import Finding, Outcome
from ghmlops.core.predictions.contract.checks import judge_contract
from ghmlops.core.predictions.contract.facts import Facts, PairFacts, SchemaFacts, SideFacts


def facts(
    baseline: dict[str, Any] | None = None,
    candidate: dict[str, Any] | None = None,
    schema: dict[str, Any] | None = None,
    task: str = "binary",
    **pairs: Any,
) -> Facts:
    """Return the facts of 1,000 paired rows without a fault, except for the given counts."""
    defaults: dict[str, Any] = {"paired": 1000, "removed": 0, "added": 0, "usable": 1000, "labelled": 1000}
    return Facts(
        task=task,
        schema=SchemaFacts(columns=3, **(schema or {})),
        baseline=SideFacts(**({"rows": 1000} | (baseline or {}))),
        candidate=SideFacts(**({"rows": 1000} | (candidate or {}))),
        pairs=PairFacts(**(defaults | pairs)),
    )


def outcomes(facts: Facts) -> dict[str, Outcome]:
    """Return the outcome of each finding by its id, without the prefix."""
    return {finding.id.removeprefix("contract-"): finding.outcome for finding in judge_contract(facts)}


def finding(facts: Facts, name: str) -> Finding:
    """Return the finding of the contract with this name."""
    return next(finding for finding in judge_contract(facts) if finding.id == f"contract-{name}")
