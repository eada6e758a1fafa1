"""Comparison of a run with its replay: which inputs and which results differ."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from core.reproduce.run_samples import (
    DATASETS,
    details,
    evidence,
    finding,
    metric_row,
    provenance,
    with_fingerprints,
)
from ghmlops.core.details.regression import FlipRow
from ghmlops.core.evidence.document import Evidence, Provenance
from ghmlops.core.model import Interval, NotMeasured, Outcome
from ghmlops.core.policy.regression import Dataset
from ghmlops.core.reproduce.replay import MAX_CHANGES, compare_runs
from ghmlops.core.reproduce.replay_inputs import write_inputs


def test_time_run_and_leg_may_differ() -> None:
    """Start, seconds, run, attempt and leg identify a run without describing it."""
    later = provenance(started="2025-03-01T00:00:00Z", seconds=3.0, run_id="9", run_attempt=2)
    comparison = compare_runs(evidence(), evidence(provenance=later, leg="replay"))
    assert (comparison.same_inputs, comparison.same_results) == (True, True)


def test_a_file_equals_the_value_that_it_was_written_from() -> None:
    """A value in memory contains tuples where the file has lists."""
    read = msgspec.json.decode(msgspec.json.encode(evidence()), type=Evidence)
    assert compare_runs(read, evidence()) == compare_runs(read, read)


def with_finding(index: int, **fields: Any) -> dict[str, Any]:
    """Return the findings of the sample with one of them changed."""
    findings = list(evidence().findings)
    findings[index] = msgspec.structs.replace(findings[index], **fields)
    return {"findings": findings}


@pytest.mark.parametrize(
    ("fields", "part", "entry", "path", "values"),
    [
        (with_finding(0, candidate=0.8100000001), "findings", "regression-auc", "candidate", (0.81, 0.8100000001)),
        (
            with_finding(0, change=Interval(estimate=0.01, low=0.001, high=0.02)),
            "findings",
            "regression-auc",
            "change.low",
            (0.0, 0.001),
        ),
        (with_finding(0, change=None), "findings", "regression-auc", "change", ("an object of 3", None)),
        (
            with_finding(1, outcome=Outcome.FAIL),
            "findings",
            "regression-auc of holdout at device = tablet",
            "outcome",
            ("pass", "fail"),
        ),
        (
            with_finding(3, reason="Other."),
            "findings",
            "contract-empty (2)",
            "reason",
            ("contract-empty holds.", "Other."),
        ),
        (
            {"not_measured": [NotMeasured(what="windows", why="few")]},
            "not measured",
            "windows",
            "why",
            ("none", "few"),
        ),
        (
            {"details": details(metrics=[metric_row("auc", 0.0), metric_row("ece", 1.0)])},
            "details",
            "metrics",
            "[1].low",
            (None, 1.0),
        ),
        ({"reason": "x"}, "summary", "the outcome", "reason", ("", "x")),
    ],
)
def test_a_changed_result_is_located(
    fields: dict[str, Any], part: str, entry: str, path: str, values: tuple[object, object]
) -> None:
    """Its part, entry, field and both values."""
    (change,) = compare_runs(evidence(), evidence(**fields)).changes
    assert (change.part, change.status, change.entry, change.field) == (part, "changed", entry, path)
    assert (change.before, change.after) == values
    assert entry in str(change)


FLIP = FlipRow(dataset="", label="1", baseline="0", candidate="1", rows=3)


@pytest.mark.parametrize(
    ("fields", "part", "entry", "status"),
    [
        ({"findings": evidence().findings[:3]}, "findings", "contract-empty (2)", "missing"),
        ({"findings": [*evidence().findings, finding("new")]}, "findings", "new", "added"),
        ({"measurements": []}, "measurements", "auc of the baseline", "missing"),
        ({"details": details(flips=[FLIP])}, "details", "flips", "added"),
        ({"details": details(metrics=[metric_row("auc", 0.0)])}, "details", "metrics [1]", "missing"),
    ],
)
def test_a_missing_or_added_result_is_located(fields: dict[str, Any], part: str, entry: str, status: str) -> None:
    """A whole entry, or an item of a table."""
    (change,) = compare_runs(evidence(), evidence(**fields)).changes
    assert (change.part, change.entry, change.status) == (part, entry, status)


def test_another_order_of_the_same_entries_is_a_change() -> None:
    """The bytes of the evidence differ."""
    reordered = [evidence().findings[i] for i in (1, 0, 2, 3)]
    assert compare_runs(evidence(), evidence(findings=reordered)).changed == {"order": 1}


@pytest.mark.parametrize(
    ("origin", "kind", "name"),
    [
        (with_fingerprints(candidate="content:duckdb2.0:400:9999"), "data", "candidate"),
        (with_fingerprints(candidate=""), "data", "candidate"),
        (with_fingerprints(labels="content:duckdb2.0:1:1"), "data", "labels"),
        (with_fingerprints(candidate="content:duckdb3.1:400:9999"), "ghmlops", "candidate"),
        (with_fingerprints(code="git:zz"), "code", "code"),
        (with_fingerprints(environment=""), "environment", "environment"),
        (with_fingerprints(policy="sha256:dd"), "policy", "policy"),
        (provenance(head_sha="2" * 40), "code", "head_sha"),
        (provenance(version="2"), "ghmlops", "version"),
        (provenance(seed=4), "settings", "seed"),
    ],
)
def test_another_input_has_its_kind(origin: Provenance, kind: str, name: str) -> None:
    """Fingerprints of contents by two engines cannot be compared: the release differs, not the data."""
    comparison = compare_runs(evidence(), evidence(provenance=origin))
    assert [(change.kind, change.name) for change in comparison.inputs] == [(kind, name)]
    assert comparison.same_results


def test_settings_are_inputs_and_paths_are_not() -> None:
    """Another engine is another input; another path to the same content is not."""
    spark = write_inputs("policy.yml", "spark", "1GiB", DATASETS)
    (change,) = compare_runs(evidence(), evidence(details=details(inputs=spark))).inputs
    assert (change.kind, change.name, change.before, change.after) == ("settings", "engine", "duckdb", "spark")
    limited = write_inputs("policy.yml", "duckdb", "2GiB", DATASETS)
    (change,) = compare_runs(evidence(), evidence(details=details(inputs=limited))).inputs
    assert change.name == "memory-limit"
    moved = (Dataset(baseline=("copy.parquet",), candidate=("new.parquet",)),)
    copied = write_inputs("policy.yml", "duckdb", "1GiB", moved)
    assert compare_runs(evidence(), evidence(details=details(inputs=copied))).same_inputs


def test_data_without_a_fingerprint_are_not_the_same_data() -> None:
    """Code or a lock file that neither run has is unknown instead."""
    bare = evidence(provenance=provenance(fingerprints={"policy": "sha256:cc"}))
    comparison = compare_runs(bare, bare)
    assert [(change.kind, change.before) for change in comparison.inputs] == [("data", "")]
    assert comparison.unknown == ("code", "environment")


def test_all_differences_are_counted_and_few_are_listed() -> None:
    """Ten thousand changed findings are counted; the list stays short."""
    findings = [finding(f"f-{i}", n=i) for i in range(10_000)]
    changed = [msgspec.structs.replace(one, n=-1) for one in findings]
    comparison = compare_runs(evidence(findings=findings), evidence(findings=changed))
    assert comparison.changed == {"findings": 10_000}
    assert comparison.total["findings"] == 10_000
    assert len(comparison.changes) == MAX_CHANGES
