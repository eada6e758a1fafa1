"""One sentence per pillar: what changed, where, and since when."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from ghmlops.core.evidence.document import Evidence
from ghmlops.core.model import Finding, Outcome
from ghmlops.report.content.pillar_table import decisive_finding
from ghmlops.report.content.placed_findings import place_findings, rank_findings
from ghmlops.report.content.summary_sentence import summary_sentence
from ghmlops.report.formats.markdown import inline
from report import prediction_samples, samples


def sentence(file: Evidence) -> str:
    """Return the sentence on `file` as plain text."""
    entries = rank_findings(place_findings(file.findings, [file]))
    text = inline(summary_sentence(entries, decisive_finding(entries), file))
    return text.replace("`", "").replace("\u00a0", " ").replace("\u2212", "-")


def numbers(text: str) -> list[str]:
    """Return the numbers of a sentence in their order."""
    return re.findall(r"-?\d[\d,]*(?:\.\d+)?", text)


def with_findings(keep: Callable[[Finding], Any], **tables: Any) -> Evidence:
    """Return the broken sample with the findings for which `keep` is true."""
    whole = prediction_samples.predictions()
    findings = [finding for finding in whole.findings if keep(finding)]
    details = msgspec.structs.replace(prediction_samples.details_of(whole), **tables)
    return samples.evidence("regression", findings, details=details)


def test_change_worst_slice_and_onset(golden: Callable[[str, str], None]) -> None:
    """The worst metric with its numbers and limit, the worst slice, and the day from the summary of the windows."""
    golden("summary-sentence.txt", sentence(prediction_samples.predictions()) + "\n")


def test_the_onset_without_a_summary_is_the_first_failed_window() -> None:
    """The earliest one counts, in whatever order the windows are listed."""
    assert sentence(with_findings(lambda f: f.id != "windows-summary")).endswith("; since 2025-01-21.")
    assert "since" not in sentence(with_findings(lambda f: f.window is None and f.id != "windows-summary"))


def test_a_subgroup_opens_the_sentence_if_all_rows_together_pass() -> None:
    """The slice, or else the window, that is worse."""
    of_slice = sentence(with_findings(lambda f: f.slice or f.outcome is Outcome.PASS))
    assert of_slice.startswith("In device=tablet, country=FR: accuracy fell ")
    assert numbers(of_slice) == ["8.90", "83.0", "74.1", "-0.5", "5,462"]
    window = sentence(with_findings(lambda f: f.window or f.outcome is Outcome.PASS))
    assert window.startswith("In the window from 2025-01-24: ")
    assert numbers(window.partition(": ")[2])[:3] == ["6.20", "81.2", "75.0"]


def test_the_worst_class_is_named_if_no_slice_is_worse() -> None:
    """A class comes from the table of classes."""
    text = sentence(with_findings(lambda f: not f.slice)).split("; ")
    assert text[1].startswith("worst class dog: recall fell ")
    assert numbers(text[1]) == ["3.00", "80.0", "77.0"]
    assert text[2].startswith("since ")
    assert "class" not in sentence(with_findings(lambda f: not f.slice, classes=[]))


def test_other_data_sets_are_counted() -> None:
    """The sentence names the worst data set."""
    text = sentence(prediction_samples.predictions(datasets=("a", "b", "c")))
    assert "data set a (and 2 more " in text


def test_a_pass_states_what_was_compared() -> None:
    """Rows, metrics, slices, windows; data sets if there are several."""
    expected = "No regression found in 327,350 rows, 6 metrics, 1,204 slices and 30 windows."
    assert sentence(prediction_samples.predictions(broken=False)) == expected
    several = sentence(prediction_samples.predictions(datasets=("a", "b"), broken=False))
    assert numbers(several) == ["654,700", "6", "2,408", "60", "2"]


@pytest.mark.parametrize("outcome", [Outcome.ERROR, Outcome.FAIL, Outcome.WARN])
def test_a_finding_without_a_change_is_summarised_by_its_reason(outcome: Outcome) -> None:
    """A broken contract, or drift, has no change to state."""
    broken = Finding(id="contract-keys", metric="rows", outcome=outcome, reason="3 keys are missing.", docs="x.md")
    whole = prediction_samples.predictions(broken=False)
    file = samples.evidence("regression", [broken, *whole.findings], details=whole.details)
    assert sentence(file) == "3 keys are missing."


def test_evidence_of_another_command_is_summarised_by_its_reason() -> None:
    """The decisive finding of a latency run is its worst quantile."""
    file = samples.latency(slow=True)
    assert sentence(file) == file.findings[0].reason


def test_a_metric_of_the_pair_alone_has_a_value_and_no_change() -> None:
    """Churn has no baseline."""
    churn = msgspec.structs.replace(samples.metric("churn", (0.0, 0.042), 0.01, Outcome.FAIL), baseline=None)
    file = samples.evidence("regression", [churn], details=prediction_samples.predictions().details)
    assert sentence(file).startswith("churn is 4.20 %")
