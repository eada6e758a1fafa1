"""Evidence of a small run of `regression`, for the tests of its replay."""

from __future__ import annotations

from typing import Any

from ghmlops.core.details.regression import MetricRow, RegressionDetails
from ghmlops.core.evidence.document import Evidence, Provenance
from ghmlops.core.model import Finding, Interval, Measurement, NotMeasured, Outcome
from ghmlops.core.policy.regression import Dataset
from ghmlops.core.reproduce.replay_inputs import write_inputs

FINGERPRINTS = {
    "code": "git:aa",
    "environment": "sha256:bb",
    "policy": "sha256:cc",
    "baseline": "content:duckdb2.0:400:0011",
    "candidate": "content:duckdb2.0:400:2233",
}
DATASETS = (Dataset(name="", baseline=("old.parquet",), candidate=("new.parquet",)),)


def finding(name: str, **fields: Any) -> Finding:
    defaults: dict[str, Any] = {"metric": name, "outcome": Outcome.PASS, "reason": f"{name} holds.", "docs": "d#a"}
    return Finding(id=name, **(defaults | fields))


def metric_row(metric: str, low: float | None) -> MetricRow:
    return MetricRow(
        dataset="",
        metric=metric,
        rows=400,
        baseline=0.8,
        candidate=0.81,
        change=0.01,
        low=low,
        high=0.02,
        margin=None,
        unit="",
        outcome=None,
        method="",
    )


def details(**fields: Any) -> RegressionDetails:
    defaults: dict[str, Any] = {
        "inputs": write_inputs("policy.yml", "duckdb", "1GiB", DATASETS),
        "metrics": [metric_row("auc", 0.0), metric_row("ece", None)],
    }
    return RegressionDetails(**(defaults | fields))


def evidence(**fields: Any) -> Evidence:
    """Return evidence with four findings, one measurement, one note and one table; `fields` override its own."""
    findings = [
        finding("regression-auc", baseline=0.8, candidate=0.81, change=Interval(estimate=0.01, low=0.0, high=0.02)),
        finding("regression-auc", slice={"device": "tablet"}, dataset="holdout", n=40),
        finding("contract-empty"),
        finding("contract-empty"),
    ]
    defaults: dict[str, Any] = {
        "command": "regression",
        "outcome": Outcome.PASS,
        "provenance": provenance(),
        "findings": findings,
        "measurements": [Measurement(id="auc", arm="baseline", unit="", n=400, values={"value": 0.8})],
        "not_measured": [NotMeasured(what="windows", why="none")],
        "details": details(),
    }
    return Evidence(**(defaults | fields))


def provenance(**fields: Any) -> Provenance:
    defaults: dict[str, Any] = {
        "repository": "a/b",
        "head_sha": "1" * 40,
        "version": "1",
        "fingerprints": FINGERPRINTS,
    }
    return Provenance(**(defaults | fields))


def with_fingerprints(**fields: str) -> Provenance:
    """Return a provenance with other fingerprints; an empty one is left out."""
    return provenance(fingerprints={name: value for name, value in (FINGERPRINTS | fields).items() if value})
