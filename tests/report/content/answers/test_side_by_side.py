"""Answers side by side: the worst places first, private values masked, and no evidence that can break the tables."""

from __future__ import annotations

import msgspec
import pytest

from ghmlops.core.answers.places import judge_places
from ghmlops.core.answers.walk import differences
from ghmlops.core.details.synthetic import FailureRow, SyntheticDetails, SyntheticSettings
from ghmlops.core.evidence.document import Evidence
from ghmlops.core.model import Finding, Outcome
from ghmlops.core.policy.before_traffic.shadow import Shadow
from ghmlops.core.shadow.comparison import Comparison
from ghmlops.core.shadow.details import shadow_details
from ghmlops.core.shadow.outcome import Run
from ghmlops.report.comment.brief import brief
from ghmlops.report.content.answers.side_by_side import MAX_COMMENT_ROWS, answer_sections, comment_tables
from ghmlops.report.formats import html
from ghmlops.report.formats.comment import comment
from ghmlops.report.formats.markdown import inline
from report import samples
from report.hostile_samples import ATTACKS, replaced_texts
from report.reading import columns, read_html, table_cells, tables
from report.test_hostile import OWN_PAGE_TAGS, assert_inactive

ROWS = 40


def shadow(outcome: str = "fail", paths: int = 1) -> Evidence:
    """Return evidence of a candidate with other scores, a noisy identifier, and a private name that changed."""
    comparison = Comparison()
    tally = comparison._tally("POST /predict")
    for row in range(ROWS):
        base = {"id": f"a{row}", "user": {"name": "Ada Lovelace"}, **{f"s{i}": row for i in range(paths)}}
        twin = base | {"id": f"b{row}"}
        cand = {"id": f"c{row}", "user": {"name": "Grace Hopper"}, **{f"s{i}": row + 100 + i for i in range(paths)}}
        tally.add(row, differences(base, cand), differences(base, twin), differences(cand, twin))
    verdicts = judge_places(comparison.tallies, 0.003)
    run = Run(policy=Shadow(requests="r", private=("name",)), comparison=comparison, verdicts=verdicts, quotes=True)
    details = shadow_details(run, truncated=False, credentials=0, asked_again=0, confirms="")
    finding = Finding(
        id="shadow-values", metric="values", outcome=Outcome(outcome), reason="The value changed.", docs=""
    )
    return samples.evidence("shadow", [finding], details=details)


def synthetic(*failures: FailureRow) -> Evidence:
    """Return evidence of a candidate that violates relations."""
    settings = SyntheticSettings(
        url="u",
        baseline_url="b",
        replayed="",
        rows=1,
        planned_rows=1,
        requests=9,
        shrinking_requests=0,
        stream={},
        cases=1,
    )
    details = SyntheticDetails(
        settings=settings, relations=[], failures=list(failures), answers=[], noise=[], profile=[]
    )
    finding = Finding(id="synthetic-batch", metric="batch", outcome=Outcome.FAIL, reason="It differs.", docs="")
    return samples.evidence("synthetic", [finding], details=details)


def failure(relation: str = "batch", case: int | None = 1) -> FailureRow:
    return FailureRow(
        relation=relation,
        endpoint="POST /predict",
        change="in a batch of 8",
        observed="$.score differs",
        answer="0.25",
        answer_changed="0.75",
        needs="age=120 (not 40)",
        shrinking=12,
        minimal=True,
        case=case,
    )


def test_the_comment_shows_proven_changes_only() -> None:
    """One row per place, both answers next to each other; noise and private values are not shown."""
    file = shadow()
    text = comment(brief(samples.merged(file), [file], samples.FACTS))
    cells = table_cells(text, "Changed answers")
    assert [row for row in cells if "$.s0" in row[0]] == [["`$.s0` of POST /predict", "0", "`0`", "`100`"]]
    assert "(private)" in text
    assert "Ada" not in text
    assert "$.id" not in text


def test_the_page_shows_noise_below_the_changes() -> None:
    """Every place has its rows and its proof; places that the noise explains come last."""
    (section,) = answer_sections([shadow()])
    assert section.title == "Answers side by side"
    proofs = [inline(row[3]) for row in section.tables[0].rows]
    assert proofs == sorted(proofs, key=lambda proof: proof.startswith("no"))
    assert {"test", "no: noise of the baseline"} == set(proofs)


def test_a_comment_stays_short() -> None:
    """Of many changed places, the comment lists the worst ones and states the number of all."""
    (table,) = comment_tables([shadow(paths=12)])
    assert len(table.rows) == MAX_COMMENT_ROWS
    assert table.title == f"Changed answers, {MAX_COMMENT_ROWS} of 13 places listed"


def test_violated_relations_with_both_answers() -> None:
    """A proven violation is in the comment, with the fields that it needs; the page also has those without a proof."""
    file = synthetic(failure("invariant", None), failure())
    (table,) = comment_tables([file])
    assert [inline(row[1]) for row in table.rows] == ["age=120 (not 40)"]
    (section,) = answer_sections([file])
    assert [inline(row[0]).partition(" ")[0] for row in section.tables[0].rows] == ["`batch`", "`invariant`"]


def test_what_passed_is_not_in_the_comment() -> None:
    """A new model may answer otherwise: the page lists it, the comment does not."""
    file = shadow("pass")
    assert comment_tables([file]) == []
    assert answer_sections([file])


@pytest.mark.parametrize("attack", ATTACKS[:31])
def test_hostile_answers(attack: str) -> None:
    """Answers of a service are quoted as text: no tag, no further column, no active content."""
    files = [replaced_texts(file.details, attack) for file in (shadow(), synthetic(failure()))]
    evidence = [
        msgspec.structs.replace(shadow(), details=files[0]),
        msgspec.structs.replace(synthetic(), details=files[1]),
    ]
    assert_inactive(read_html(html.page(samples.report(*evidence))), OWN_PAGE_TAGS)
    for table in tables(comment(brief(samples.merged(*evidence), evidence, samples.FACTS))):
        assert len(set(map(columns, table))) == 1
