"""A pillar in one sentence: what changed, where, and since when."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from ghmlops.core.evidence.document import Evidence
from ghmlops.core.model import Finding, Outcome
from report import prediction_samples, samples
from report.content.test_predictions import comment
from report.reading import tables


def said(file: Evidence) -> str:
    """Return the sentence of the row of `file`, as plain text."""
    row = next(line for line in tables(comment(file))[0] if line.startswith("| `regression`"))
    return row.split(" | ")[-1].removesuffix(" |").replace("`", "").replace("\u00a0", " ")


def keeping(keep: Any, **details: Any) -> Evidence:
    """Return the broken sample with those findings alone that `keep` says."""
    whole = prediction_samples.predictions()
    found = [f for f in whole.findings if keep(f)]
    return samples.evidence("regression", found, details={**whole.details, **details})


def test_what_where_and_since_when() -> None:
    """The worst metric with its numbers, the worst slice, and the day that the summary of the windows names."""
    assert said(prediction_samples.predictions()) == (
        "accuracy fell by 1.62 pt, from 81.2 to 79.6 %; worst slice device=tablet, country=FR: accuracy fell by "
        "8.90 pt, from 83.0 to 74.1 % on 5,462 rows; since 2025-01-21."
    )


def test_the_first_window_with_harm_where_the_summary_names_none() -> None:
    """The earliest of the failing windows, in whatever order they stand."""
    assert said(keeping(lambda f: f.id != "windows-summary")).endswith("; since 2025-01-21.")
    assert "since" not in said(keeping(lambda f: f.window is None and f.id != "windows-summary"))


def test_a_part_alone() -> None:
    """Where all rows together hold, the sentence begins with the slice, or with the window, that does not."""
    assert said(keeping(lambda f: f.slice or f.outcome is Outcome.PASS)) == (
        "In device=tablet, country=FR: accuracy fell by 8.90 pt, from 83.0 to 74.1 % on 5,462 rows."
    )
    start = said(keeping(lambda f: f.window or f.outcome is Outcome.PASS))
    assert start.startswith(
        "In the window from 2025-01-24: accuracy fell by 6.20 pt, from 81.2 to 75.0 % on 5,462 rows"
    )


def test_the_worst_class_where_no_slice_is_worse() -> None:
    """A class comes from the table of classes."""
    assert "; worst class dog: recall fell by 3.00 pt, from 80.0 to 77.0 %; since" in said(
        keeping(lambda f: not f.slice)
    )
    assert "class" not in said(keeping(lambda f: not f.slice, classes=[]))


def test_several_data_sets() -> None:
    """The one that is told is named, the others are counted."""
    text = said(prediction_samples.predictions(datasets=("a", "b", "c")))
    assert text.startswith(
        "accuracy fell by 1.62 pt, from 81.2 to 79.6 % in data set a (and 2 more data sets); worst slice"
    )


def test_a_pass_says_what_was_looked_at() -> None:
    """Rows, metrics, slices, windows; data sets where there are several."""
    looked = "327,350 rows, 6 metrics, 1,204 slices and 30 windows compared: none is worse beyond its limit."
    assert said(prediction_samples.predictions(broken=False)) == looked
    several = said(prediction_samples.predictions(datasets=("a", "b"), broken=False))
    assert several.startswith("654,700 rows, 6 metrics, 2,408 slices, 60 windows and 2 data sets compared")


@pytest.mark.parametrize("outcome", [Outcome.ERROR, Outcome.FAIL, Outcome.WARN])
def test_a_finding_without_a_change_speaks_for_itself(outcome: Outcome) -> None:
    """A broken contract or drift is said by its own reason."""
    broken = Finding(id="contract-keys", metric="rows", outcome=outcome, reason="3 keys are gone.", docs="x.md")
    found = [broken, *prediction_samples.predictions(broken=False).findings]
    assert said(samples.evidence("regression", found)) == "3 keys are gone."


def test_what_only_the_pair_has_is_a_value() -> None:
    """Churn has no baseline."""
    whole = samples.metric("churn", (0.0, 0.042), 0.01, Outcome.FAIL)
    text = said(samples.evidence("regression", [msgspec.structs.replace(whole, baseline=None)]))
    assert text == "churn is 4.20 %."
