"""The sentence of a cause."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import pytest

from ghmlops.core.evidence.document import Evidence
from ghmlops.core.model import Direction, Finding, Interval, Outcome
from ghmlops.report.comment.cause_sentence import cause_sentence, factor, limit_text, prose, without_machine_paths
from ghmlops.report.comment.causes import Cause, group_causes
from ghmlops.report.content.placed_findings import PlacedFinding, place_findings
from ghmlops.report.formats.markdown import inline
from report import prediction_samples, samples


def plain(cell: Any) -> str:
    """Return a cell without markup."""
    return re.sub(r"[*`]", "", inline(cell)).replace("\u00a0", " ").replace("\u2212", "-")


def sentence(*files: Evidence) -> str:
    """Return the sentence of the main cause of these files."""
    verdict = samples.merged(*files, required=())
    cause = group_causes(place_findings(verdict.findings, files))[0]
    return plain(cause_sentence(cause, verdict.confirmed))


def latency(baseline: float, candidate: float) -> Finding:
    """Return a failed p50."""
    change = candidate / baseline - 1
    finding = samples.quantile("p50", baseline, (change, change - 0.01, change + 0.01), Outcome.FAIL, 0.1)
    return msgspec.structs.replace(finding, candidate=candidate)


def lone(finding: Finding, command: str = "latency", confirmed: Sequence[str] = ()) -> str:
    """Return the sentence of a cause with one finding."""
    return plain(cause_sentence(Cause(PlacedFinding(finding, command, ""), ()), confirmed))


def test_the_sentences_of_typical_causes(golden: Callable[[str, str], None]) -> None:
    """Slow service, confirmed slow service, worse model, worse slice, undecided run, missing evidence."""
    slow = samples.latency(slow=True)
    lines = [
        sentence(slow),
        sentence(slow, samples.latency(slow=True, leg="confirm")),
        sentence(samples.latency(slow=True, leg="gpu")),
        sentence(prediction_samples.predictions()),
        sentence(samples.evidence("regression", [f for f in samples.regression(broken=True).findings if f.slice])),
        sentence(samples.evidence("latency", [f for f in slow.findings if f.outcome is Outcome.INCONCLUSIVE])),
        lone(latency(1.17, 3.59)),
        lone(slow.findings[3]),
        lone(samples.guard("split", Outcome.ERROR, "The file /home/runner/work/x.json of `latency` is empty.")),
        lone(samples.merged(required=("latency",)).findings[0], ""),
    ]
    golden("cause-sentences.txt", "\n".join(lines) + "\n")


@pytest.mark.parametrize(
    ("baseline", "candidate", "expected"),
    [
        (1.17, 3.59, "3.1 times the baseline"),
        (100.0, 150.0, "1.5 times the baseline"),
        (100.0, 149.0, "+49 %"),
        (100.0, 50.0, "0.50 times the baseline"),
        (100.0, 101.26, "+1.3 %"),
        (100.0, 12345.0, "123 times the baseline"),
    ],
)
def test_a_large_relative_change_is_a_factor(baseline: float, candidate: float, expected: str) -> None:
    """From 1.5 times on it is a factor, otherwise a percentage, with two significant digits."""
    assert factor(latency(baseline, candidate)).replace("\u00a0", " ") == expected


def test_an_absolute_change_keeps_its_unit() -> None:
    """A change of a share is in points; one without an estimate is left out."""
    assert factor(samples.metric("accuracy", (0.8, 0.784), 0.001, Outcome.FAIL)) == "\u22121.6\u00a0pt"
    assert factor(samples.metric("auc", (0.86, 0.81), 0.001, Outcome.FAIL, unit="")) == "\u22120.050"
    assert factor(samples.objective(Outcome.FAIL, 157.0)) == ""


def test_a_baseline_of_zero_has_no_factor() -> None:
    """Nothing is divided by zero."""
    change = Interval(estimate=0.1, low=0.05)
    zero = msgspec.structs.replace(samples.errors(Outcome.FAIL), baseline=0.0, candidate=0.1, change=change)
    assert "0 to 10.0 %" in lone(zero)


@pytest.mark.parametrize(
    ("direction", "expected"), [(Direction.HIGHER, "\u22120.5\u00a0pt"), (Direction.TARGET, "±0.5\u00a0pt")]
)
def test_the_limit_has_no_comparison_sign(direction: Direction, expected: str) -> None:
    """The sign of the limit says in which direction it applies."""
    assert limit_text(samples.metric("accuracy", (0.8, 0.7), 0.01, Outcome.FAIL, direction=direction)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cannot read /home/runner/work/shop/shop/out/p.parquet: gone", "cannot read p.parquet: gone"),
        ("`/tmp/x/y.json` and /github/workspace/a.csv", "`y.json` and a.csv"),
        ("POST /predict/v2 and https://x.example/home/a", "POST /predict/v2 and https://x.example/home/a"),
        ("models/a/b.onnx", "models/a/b.onnx"),
    ],
)
def test_paths_of_the_machine_are_reduced_to_names(text: str, expected: str) -> None:
    """Addresses and paths of the repository remain."""
    assert without_machine_paths(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("There is no `latency` here.", "There is no `latency` here."),
        ("`a` b`c`", "`a` b`c`"),
        ("an open ` backtick", "an open backtick"),
        ("x `<b>` **y**", r"x `<b>` \*\*y\*\*"),
    ],
)
def test_backticks_of_a_reason_mark_code(text: str, expected: str) -> None:
    """A pair of backticks marks code; everything else is escaped."""
    assert re.sub(" +", " ", inline(prose(text, 100))) == expected


def test_columns_whose_distribution_moved_are_one_cause() -> None:
    """The sentence is the reason, which names the column; the summary of all columns is not counted."""

    def drift(name: str, column: str, candidate: float | None) -> PlacedFinding:
        reason = f"The distribution of {column} moved."
        finding = Finding(
            id=name, metric="drift", outcome=Outcome.WARN, reason=reason, docs="x", candidate=candidate, margin=0.2
        )
        return PlacedFinding(finding, "regression", "")

    entries = [drift("drift-psi", "age", 4.7), drift("drift-psi", "city", 0.4), drift("drift-summary", "both", None)]
    (cause,) = group_causes(entries)
    text = plain(cause_sentence(cause, ()))
    assert "of age moved" in text
    assert text.endswith("(1 more like it)")
    (alone,) = group_causes([entries[0], entries[2]])
    assert plain(cause_sentence(alone, ())).endswith("of age moved.")
