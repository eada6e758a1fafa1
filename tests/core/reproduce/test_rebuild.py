"""Comparison of two builds: the class of reproducibility, the outcome, and the numbers and cause in the reason."""

from __future__ import annotations

from typing import Any

import pytest

from ghmlops.core.model import Outcome
from ghmlops.core.predictions.behaviour.determinism import ColumnChange
from ghmlops.core.reproduce.rebuild import (
    MAX_COLUMN_FINDINGS,
    BuildComparison,
    ContentComparison,
    judge_builds,
    rebuilt_row,
)


def column(name: str = "s", **fields: Any) -> ColumnChange:
    defaults: dict[str, Any] = {"column": name, "rows": 100, "identical": 100, "within": 0}
    return ColumnChange(**(defaults | fields))


def comparison(**fields: Any) -> BuildComparison:
    """Return a comparison of different bytes with the same content; `fields` are those of either struct."""
    outer: dict[str, Any] = {
        "dataset": "holdout",
        "names": ("out.parquet",),
        "files": (1, 1),
        "fingerprints": ("sha256:a", "sha256:b"),
    }
    content: dict[str, Any] = {
        "rows": (100, 100),
        "moved_rows": 0,
        "columns": (column(),),
        "column_kinds": {"s": "float", "t": "time", "n": "other"},
    }
    content |= {name: value for name, value in fields.items() if name not in outer}
    outer |= {name: value for name, value in fields.items() if name in outer}
    return BuildComparison(content=ContentComparison(**content), **outer)


CHANGED: dict[str, Any] = {"identical": 0, "largest": 0.9}
SAME: dict[str, Any] = {"fingerprints": ("a", "a")}
CLOSE = column(identical=40, within=60, largest=1e-9, tolerance=1e-8)


@pytest.mark.parametrize(
    ("fields", "reproducibility", "outcome", "facts"),
    [
        (SAME, "bit-identical", Outcome.PASS, ["1 file,", "100 rows"]),
        (SAME | {"rows": (0, 0)}, "not measured", Outcome.INCONCLUSIVE, []),
        ({"rows": (0, 0), "columns": ()}, "not measured", Outcome.INCONCLUSIVE, []),
        ({"moved_rows": 90}, "same content", Outcome.PASS, ["90 of 100 (90 %)", "sorted"]),
        ({"files": (1, 3)}, "same content", Outcome.PASS, ["1 and 3 files"]),
        ({}, "same content", Outcome.PASS, ["footer", "time stamp"]),
        ({"moved_rows": None}, "same content", Outcome.PASS, ["order of the rows"]),
        ({"moved_rows": None, "repeated_keys": 4}, "same content", Outcome.PASS, ["4 keys"]),
        ({"columns": (CLOSE,)}, "within tolerance", Outcome.PASS, ["s by at most 1e-09", "parallel sum"]),
        (
            {"columns": (column(identical=40, largest=1e-7),)},
            "not reproducible",
            Outcome.FAIL,
            ["60 of 100 (60 %)", "1e-07", "parallel sum"],
        ),
        ({"columns": (column(**CHANGED),)}, "not reproducible", Outcome.FAIL, ["unseeded random number"]),
        (
            {"columns": (column(**CHANGED), column("n", identical=50, largest=1e-9))},
            "not reproducible",
            Outcome.FAIL,
            ["2 of 2 columns", "(s, n)", "s in 100 of 100 (100 %) rows, by at most 0.9", "unseeded random number"],
        ),
        ({"columns": (column("t", identical=0),)}, "not reproducible", Outcome.FAIL, ["the time of the build"]),
        ({"columns": (column("n", identical=97),)}, "not reproducible", Outcome.FAIL, ["tie"]),
        ({"missing_rows": 3, "added_rows": 2}, "not reproducible", Outcome.FAIL, ["3 of 100 rows", "2 are only"]),
        ({"extra_columns": (("x",), ())}, "not reproducible", Outcome.FAIL, ["only the first build", "x"]),
        ({"changed_types": (("s", "INTEGER", "DOUBLE"),)}, "not reproducible", Outcome.FAIL, ["INTEGER", "DOUBLE"]),
        ({"pairing_problem": "rows cannot be paired"}, "not reproducible", Outcome.FAIL, ["rows cannot be paired"]),
        ({"repeated_keys": 4, "mismatched_rows": 2}, "not reproducible", Outcome.FAIL, ["2 rows", "4 keys"]),
    ],
)
def test_each_difference_has_its_class_and_cause(
    fields: dict[str, Any], reproducibility: str, outcome: Outcome, facts: list[str]
) -> None:
    """Never a pass without rows; the reason has the numbers and the cause that they suggest."""
    builds = comparison(**fields)
    assert builds.reproducibility == reproducibility
    first = judge_builds(builds)[0]
    rule = f"rebuild-{reproducibility.replace(' ', '-')}"
    assert (first.id, first.outcome, first.dataset) == (rule, outcome, "holdout")
    assert first.reason.startswith("out.parquet: ")
    assert first.reason.endswith(".")
    assert [fact for fact in facts if fact not in first.reason] == []


def test_repeated_keys_suggest_no_random_number() -> None:
    """Rows that are compared as multisets have no pairs whose differences would point to a cause."""
    (first, *_) = judge_builds(comparison(columns=(column(identical=0),), repeated_keys=4))
    assert "cause" not in first.reason


def test_changed_columns_have_findings_up_to_a_limit() -> None:
    """The most changed come first; the others share one finding; columns that did not change have none."""
    many = tuple(column(f"c{i:03}", identical=99 - i % 90) for i in range(MAX_COLUMN_FINDINGS + 20))
    findings = judge_builds(comparison(columns=(*many, column("same"))))
    expected = ["rebuild-not-reproducible"] + ["rebuild-column"] * (MAX_COLUMN_FINDINGS + 1)
    assert [finding.id for finding in findings] == expected
    assert findings[1].n == 70
    assert findings[-1].n == 20


def test_the_row_of_the_evidence_lists_all_columns_of_another_schema() -> None:
    """Columns of one build only, and those with another type."""
    row = rebuilt_row(comparison(extra_columns=(("a",), ("b",)), changed_types=(("c", "INTEGER", "DOUBLE"),)))
    assert (row.reproducibility, row.rows, row.rows_again) == ("not reproducible", 100, 100)
    assert row.other_columns == ("a", "b", "c")
