"""Cells of a finding: location, values, change, drawing and rule."""

from __future__ import annotations

import msgspec
import pytest

from ghmlops.core.model import Direction, Finding, Interval, Outcome
from ghmlops.report.content.finding_cells import (
    EMPTY,
    change_cell,
    findings_table,
    location_cell,
    plot_cell,
    rule_cell,
    values_cell,
)
from ghmlops.report.content.placed_findings import PlacedFinding
from ghmlops.report.formats.markdown import inline
from ghmlops.report.text.blocks import Link
from report import samples

ACCURACY = samples.metric("accuracy", (0.83, 0.741), 0.02, Outcome.FAIL)


def text(cell: tuple[object, ...]) -> str:
    return inline(cell).replace("\u00a0", " ").replace("\u2212", "-")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, "`regression`"),
        ({"dataset": "eu"}, "`regression` · data set `eu`"),
        ({"slice": {"a": 1, "b": None}}, "`regression` · `a=1` · `b=null`"),
        ({"slice": {f"c{i}": i for i in range(8)}}, "· `c5=5` · and 2 more columns"),
        ({"window": "2025-01-01"}, "`regression` · from `2025-01-01`"),
    ],
)
def test_a_location_names_evidence_data_set_slice_and_window(fields: dict[str, object], expected: str) -> None:
    """Of a wide slice six columns are named."""
    finding = msgspec.structs.replace(ACCURACY, **fields)
    assert text(location_cell(PlacedFinding(finding, "regression", ""), with_evidence=True)).endswith(expected)


def test_a_location_without_parts() -> None:
    """A finding on all rows is overall; one of the merge has no location."""
    assert text(location_cell(PlacedFinding(ACCURACY, "regression", ""), with_evidence=False)) == "overall"
    assert location_cell(PlacedFinding(ACCURACY, "", ""), with_evidence=True) == EMPTY


def test_values_and_change() -> None:
    """With unit and tendency; the change of a failure is bold."""
    assert text(values_cell(ACCURACY)) == "83.0 → 74.1 %"
    assert text(change_cell(ACCURACY)) == "**-8.9 pt** [-10.9, -6.9] ↓ worse"
    candidate_only = msgspec.structs.replace(ACCURACY, baseline=None)
    assert text(values_cell(candidate_only)) == "74.1 %"
    bare = Finding(id="x", metric="x", outcome=Outcome.PASS, reason="", docs="")
    assert (values_cell(bare), change_cell(bare), plot_cell(bare)) == (EMPTY, EMPTY, ())


@pytest.mark.parametrize(
    ("direction", "floor", "ceiling"),
    [
        (Direction.HIGHER, -0.005, None),
        (Direction.LOWER, None, 0.005),
        (Direction.TARGET, -0.005, 0.005),
        (None, None, None),
    ],
)
def test_a_drawing_has_the_limits_of_its_direction(
    direction: Direction | None, floor: float | None, ceiling: float | None
) -> None:
    """A metric with a target is limited on both sides."""
    (plot,) = plot_cell(msgspec.structs.replace(ACCURACY, direction=direction))
    assert (plot.floor, plot.ceiling) == (floor, ceiling)  # type: ignore[union-attr]
    assert plot_cell(msgspec.structs.replace(ACCURACY, change=Interval(low=0.0))) == ()


def test_a_rule_is_linked_and_names_its_metric_once() -> None:
    """The metric follows unless the id contains it; a path out of the repository is not linked."""
    (link,) = rule_cell(ACCURACY, samples.FACTS)
    assert isinstance(link, Link)
    assert link.url == f"{samples.FACTS.docs_url}{ACCURACY.docs}"
    assert text(rule_cell(msgspec.structs.replace(ACCURACY, metric="churn"))) == "`regression-accuracy` `churn`"
    (link,) = rule_cell(msgspec.structs.replace(ACCURACY, docs="../x.md"), samples.FACTS)
    assert isinstance(link, Link)
    assert link.url == ""


def test_columns_without_content_are_dropped() -> None:
    """Findings without numbers have outcome, id and reason."""
    finding = Finding(id="evidence-missing", metric="evidence", outcome=Outcome.FAIL, reason="missing", docs="x.md")
    table = findings_table([PlacedFinding(finding, "", "")])
    assert [column.title for column in table.columns] == ["Outcome", "Finding", "Reason"]
