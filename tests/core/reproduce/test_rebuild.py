"""What two builds come to, the sentence that says so, and the cause that is typical of it."""

from __future__ import annotations

from typing import Any

import pytest

from ghmlops.core.model import Outcome
from ghmlops.core.predictions.behaviour.determinism import ColumnChange
from ghmlops.core.reproduce.rebuild import MOST_COLUMNS, Rebuilt, judge


def column(name: str = "s", **fields: Any) -> ColumnChange:
    known: dict[str, Any] = {"column": name, "rows": 100, "identical": 100, "within": 0}
    return ColumnChange(**(known | fields))


def built(**fields: Any) -> Rebuilt:
    known: dict[str, Any] = {
        "dataset": "holdout",
        "names": ("out.parquet",),
        "files": (1, 1),
        "prints": ("sha256:a", "sha256:b"),
        "rows": (100, 100),
        "moved": 0,
        "columns": (column(),),
        "kinds": {"s": "float", "t": "time", "n": "other"},
    }
    return Rebuilt(**(known | fields))


CHANGED: dict[str, Any] = {"identical": 0, "largest": 0.9}


@pytest.mark.parametrize(
    ("fields", "kind", "outcome", "said"),
    [
        ({"prints": ("a", "a")}, "bit-identical", Outcome.PASS, "the same bytes (1 file, 100 rows)"),
        ({"prints": ("a", "a"), "rows": (0, 0)}, "not measured", Outcome.INCONCLUSIVE, "no row at all"),
        ({"rows": (0, 0), "columns": ()}, "not measured", Outcome.INCONCLUSIVE, "no row at all"),
        ({"moved": 90}, "same content", Outcome.PASS, "90 of 100 (90 %) rows stand elsewhere (write sorted"),
        ({"files": (1, 3)}, "same content", Outcome.PASS, "1 against 3 files"),
        ({}, "same content", Outcome.PASS, "what the footer says besides (a time stamp"),
        ({"moved": None}, "same content", Outcome.PASS, "the order of rows, the encoding"),
        ({"moved": None, "repeated": 4}, "same content", Outcome.PASS, "4 keys occur more than once"),
        (
            {"columns": (column(identical=40, within=60, largest=1e-9, tolerance=1e-8),)},
            "within tolerance",
            Outcome.PASS,
            "s by at most 1e-09 (typical: the order of a parallel sum",
        ),
        (
            {"columns": (column(identical=40, largest=1e-7),)},
            "not reproducible",
            Outcome.FAIL,
            "60 of 100 (60 %) rows, by at most 1e-07 (typical: the order of a parallel sum, or a GPU",
        ),
        ({"columns": (column(**CHANGED),)}, "not reproducible", Outcome.FAIL, "(typical: an unseeded random number)"),
        (
            {"columns": (column(**CHANGED), column("n", identical=50, largest=1e-9))},
            "not reproducible",
            Outcome.FAIL,
            "2 of 2 columns changed (s, n), s in 100 of 100 (100 %) rows, by at most 0.9 (typical: an unseeded random",
        ),
        ({"columns": (column("t", identical=0),)}, "not reproducible", Outcome.FAIL, "the time of the build"),
        ({"columns": (column("n", identical=97),)}, "not reproducible", Outcome.FAIL, "a tie broken by chance"),
        ({"missing": 3, "added": 2}, "not reproducible", Outcome.FAIL, "3 of 100 rows are not in the second build, 2"),
        ({"only": (("x",), ())}, "not reproducible", Outcome.FAIL, "only the first build has the columns x"),
        ({"retyped": (("s", "INTEGER", "DOUBLE"),)}, "not reproducible", Outcome.FAIL, "s is INTEGER and then DOUBLE"),
        ({"unpaired": "rows cannot be paired"}, "not reproducible", Outcome.FAIL, "rows cannot be paired"),
        ({"repeated": 4, "whole": 2}, "not reproducible", Outcome.FAIL, "2 rows of repeated keys hold other comb"),
    ],
)
def test_two_builds_come_to_one_class(fields: dict[str, Any], kind: str, outcome: Outcome, said: str) -> None:
    """Never a pass without rows; the cause is named with the numbers that point to it."""
    found = built(**fields)
    assert found.kind == kind
    first = judge(found)[0]
    assert (first.id, first.outcome, first.dataset) == (f"rebuild-{kind.replace(' ', '-')}", outcome, "holdout")
    assert first.reason.startswith("out.parquet: ")
    assert first.reason.endswith(".")
    assert said in first.reason


def test_columns_have_findings_of_their_own_up_to_a_limit() -> None:
    """The most changed first; the rest is one finding; columns that did not change have none."""
    many = tuple(column(f"c{i:03}", identical=99 - i % 90) for i in range(MOST_COLUMNS + 20))
    found = judge(built(columns=(*many, column("same"))))
    assert [f.id for f in found] == ["rebuild-not-reproducible"] + ["rebuild-column"] * (MOST_COLUMNS + 1)
    assert found[1].n == 70
    assert "20 more columns changed" in found[-1].reason
