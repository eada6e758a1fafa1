"""Sections of a prediction diff: which there are, their bounds, and that no evidence can break them."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest

from ghmlops.core.details.regression import RegressionDetails, WeightRow
from ghmlops.core.errors import EvidenceError
from ghmlops.core.evidence.document import EVIDENCE_SCHEMA, Evidence
from ghmlops.core.model import Measurement, Outcome
from ghmlops.core.steps.github_limits import SUMMARY_LIMIT
from ghmlops.measure.evidence import decode
from ghmlops.report.content.prediction_sections import open_timeline, prediction_sections
from ghmlops.report.formats import html, markdown
from ghmlops.report.formats.annotations import annotate
from ghmlops.report.formats.junit import junit
from report import prediction_samples, samples
from report.hostile_samples import ATTACKS, predictions_with
from report.reading import ACTIVE, columns, read_html, read_markdown, table_cells, tables
from report.test_hostile import OWN_MARKDOWN_TAGS, OWN_PAGE_TAGS, assert_inactive

TABLES = (
    *("metrics", "classes", "slices", "searched", "windows", "timeline", "columns", "flips", "rank", "noise", "drift"),
    *("distributions", "score_bins", "changed_rows"),
)
WRONG: tuple[Any, ...] = (None, True, -1, 10**400, 1e308, -1e308, 1e-320, "", "x", "<b>|`", [], [None], {}, {"a": [1]})

LIMIT = 60_000
"""Bytes of a summary that is shortened."""


def comment(*files: Evidence) -> str:
    return markdown.summary(samples.report(*files), LIMIT)


def test_the_note_says_how_many_subgroups_are_listed() -> None:
    """The evidence lists the slices with the smallest p; all windows are listed, so their note says nothing of it."""
    sections = {section.title: section for section in prediction_sections([prediction_samples.predictions()])}
    slices, windows = (markdown.inline(sections[title].note) for title in ("Slices", "Windows"))
    assert slices.startswith("10 of 1,204 ")
    assert prediction_samples.HOLM in slices
    assert windows.startswith(prediction_samples.HOLM)


def test_the_metrics_state_their_weights() -> None:
    """Column, effective number and number of rows of each data set; at most six of them; a column is no markup."""
    whole = prediction_samples.predictions()
    row = WeightRow(dataset="", column="`<b>", rows=3000, effective=2514.09)

    def note_of(*rows: WeightRow) -> str:
        details = msgspec.structs.replace(prediction_samples.details_of(whole), weights=list(rows))
        sections = prediction_sections([msgspec.structs.replace(whole, details=details)])
        return markdown.inline(sections[0].note)

    assert "2,514 of 3,000 (Kish)" in note_of(row)
    assert "<b>" not in note_of(row)
    assert note_of() == ""
    many = note_of(*(msgspec.structs.replace(row, dataset=f"d{i}", effective=None) for i in range(9)))
    assert (many.count("unknown of 3,000"), "3 more" in many, "d6" in many) == (6, True, False)


def test_each_section_needs_its_tables() -> None:
    """Evidence with one table has one section; evidence of another command, or with settings only, has none."""
    whole = prediction_samples.predictions()
    details = prediction_samples.details_of(whole)
    titles = [section.title for section in prediction_sections([whole])]
    changes = ["Predictions that changed", "Scores and errors by label"]
    assert titles == ["Metrics", "Slices", "Windows", *changes, "Distributions"]
    for name in TABLES:
        single = msgspec.structs.replace(whole, details=RegressionDetails(**{name: getattr(details, name)}))
        assert len([*prediction_sections([single]), *open_timeline([single])]) == 1, name
    settings = RegressionDetails(settings=details.settings)
    assert prediction_sections([msgspec.structs.replace(whole, details=settings)]) == []
    assert prediction_sections([samples.latency()]) == []


def test_several_data_sets_have_a_column() -> None:
    """Every table, the drawing, the findings, the JUnit file and the annotations name the data set."""
    single, several = (prediction_samples.predictions(datasets=names) for names in (("",), ("golden", "live")))
    assert "Data set" not in comment(single)
    text = comment(several)
    for title in (
        "metrics",
        "classes",
        "noise floor",
        "slices, the worst",
        "results of the slice",
        "windows, the worst",
    ):
        part = text[text.index(f"regression: {title}") :]
        assert "| Data set |" in part.splitlines()[2], title
    assert "by window in data set `golden`" in text
    assert "`regression` · data set `live`" in text
    assert 'name="window-accuracy data set live from 2025-01-21"' in junit(samples.merged(several), [several])
    place = "(data set golden, device=tablet, country=FR)"
    assert any(place in line.replace("%2C", ",").replace("%3A", ":") for line in annotate(several.findings))


def test_failed_metrics_that_the_worst_list_lacks_are_not_collapsed() -> None:
    """A separate table shows them if the list of the worst five findings has no room for all of them."""
    heading = "### Metrics that did not pass"
    assert heading not in comment(prediction_samples.predictions())
    text = comment(prediction_samples.predictions(datasets=("a", "b", "c", "d", "e")))
    assert f"{heading} (the worst 12 of 15)" in text
    assert text.index(heading) < text.index("### Not measured") < text.index("<details>")
    assert {row[0] for row in table_cells(text, heading)} == {"❌ fail"}


LIMITS = [("x" * 300, 1), ("x" * 300, 60), ("|`<&@a" * 60, 60), ("ü\u202e" * 200, 60)]


@pytest.mark.parametrize(("name", "datasets"), LIMITS, ids=["one set", "long", "escaped", "wide"])
def test_evidence_at_every_limit_of_the_engine_fits(name: str, datasets: int) -> None:
    """10,000 slices, 60 data sets, long names: below the limits, every pass left out before any failure."""
    report = samples.report(samples.latency(), prediction_samples.large(datasets=datasets, name=name))
    text, summary = markdown.summary(report, LIMIT), markdown.summary(report)
    assert 50_000 < len(text.encode()) <= LIMIT
    assert len(summary.encode()) <= SUMMARY_LIMIT
    assert "**Shortened**" in text
    assert "[uploaded evidence]" in text
    assert [line for line in text.splitlines() if line.startswith("| ✅ pass")] == []
    assert text.count("| ❌ fail") > 20
    for lines in tables(text):
        assert {columns(line) for line in lines} == {columns(lines[0])}
    read_markdown(text)
    read_html(html.page(report))


def test_passed_rows_are_left_out_before_failed_ones() -> None:
    """If only some rows do not fit, every failure is still in the comment."""
    findings = [
        samples.metric(
            "accuracy", (0.8, 0.7), 0.01, Outcome.FAIL if i < 40 else Outcome.PASS, slice={"place": f"p{i:04d}"}
        )
        for i in range(800)
    ]
    text = comment(samples.evidence("regression", findings))
    assert all(f"`place=p{i:04d}`" in text for i in range(40))
    assert 0 < text.count("| ✅ pass |") < 760


def test_many_legs_with_full_tables_fit() -> None:
    """Files beyond the fourth are counted, and the parts that are never shortened stay below the limit too."""
    large = prediction_samples.large(datasets=3, name="&" * 300)
    kinds = [Measurement(id=f"m{k}", arm="candidate", unit="ms", n=1, values={f"{k}": 1.0}) for k in range(30)]
    files = [msgspec.structs.replace(large, leg=f"{i}" + "&" * 300, measurements=kinds) for i in range(6)]
    text = comment(*files)
    assert len(text.encode()) <= LIMIT
    assert "2 more evidence files" in text


@pytest.mark.parametrize("bad", ATTACKS, ids=lambda bad: ascii(bad[:24]))
def test_no_name_breaks_out(bad: str) -> None:
    """A hostile text in every place of every table is text in Markdown, in the drawing and on the page."""
    report = samples.report(predictions_with(bad[:10_000]))
    text = markdown.summary(report)
    document = read_markdown(text)
    assert_inactive(document, OWN_MARKDOWN_TAGS)
    assert document.comments == []
    assert not ACTIVE.search(document.text(code=False))
    assert text.count("```mermaid") == 1
    for lines in tables(text):
        assert {columns(line) for line in lines} == {columns(lines[0])}
    chart = text[text.index("```mermaid") :].split("```")[1].splitlines()
    assert [re.split(r"[ \[{]", line.strip())[0] for line in chart[1:]] == MERMAID_LINES
    assert all(line.count('"') % 2 == 0 for line in chart)
    page = read_html(html.page(report))
    assert_inactive(page, OWN_PAGE_TAGS)
    assert page.comments == []
    assert page.tags.count("svg") >= 4


MERMAID_LINES = ["%%", "xychart-beta", "x-axis", "y-axis", "bar", "line", "line"]


@pytest.mark.parametrize("name", TABLES)
def test_a_wrong_type_is_unreadable_and_an_absurd_number_is_bounded(name: str) -> None:
    """Each wrong value in each place is refused while reading, or the report on it is intact."""
    whole = prediction_samples.predictions()
    rows = msgspec.to_builtins(getattr(prediction_samples.details_of(whole), name)[:3])
    refused = 0
    for bad in WRONG:
        odd: list[Any] = [bad, [bad], [bad, rows[0]], [dict.fromkeys(rows[0], bad)]]
        odd += [[{**rows[0], field: bad}, *rows[1:]] for field in rows[0]]
        odd += [
            [{**rows[0], field: [bad] * len(rows[0][field])}] for field in rows[0] if isinstance(rows[0][field], list)
        ]
        for value in odd:
            try:
                file = reread(whole, {"command": "regression", name: value})
            except EvidenceError:
                refused += 1
            else:
                assert_intact(file)
    assert refused > len(WRONG)


@pytest.mark.parametrize("details", [{"command": "regression", "slices": "none"}, {"command": "other"}, {}, [], "x"])
def test_details_of_another_shape_are_unreadable(details: object) -> None:
    """Without the tag, with an unknown one, or with a table that is no list, the file is refused."""
    with pytest.raises(EvidenceError):
        reread(prediction_samples.predictions(), details)


def test_an_unknown_field_is_unreadable() -> None:
    """A row with a field that the schema lacks is refused."""
    whole = prediction_samples.predictions()
    row = msgspec.to_builtins(prediction_samples.details_of(whole).rank[0])
    with pytest.raises(EvidenceError):
        reread(whole, {"command": "regression", "rank": [{**row, "extra": 1}]})


def test_far_too_many_rows_are_bounded() -> None:
    """A table shows a thousand rows, the worst first, and says how many more the evidence has."""
    whole = prediction_samples.predictions()
    rows = prediction_samples.details_of(whole).slices * 1000
    page = html.page(samples.report(prediction_samples.with_tables(whole, slices=rows)))
    assert "(9,000 more rows" in page
    assert len(page) < 5_000_000


def reread(whole: Evidence, details: object) -> Evidence:
    """Return evidence with these plain details as it is read from a file.

    Raises:
        EvidenceError: The details do not fit the schema.
    """
    plain = msgspec.to_builtins(msgspec.structs.replace(whole, findings=whole.findings[:1], details=None))
    try:
        data = msgspec.json.encode(plain | {"details": details})
    except OverflowError:  # 10**400: no JSON number of a sane size
        raise EvidenceError("overflow") from None
    return decode(data, Evidence, EVIDENCE_SCHEMA, "it")


def assert_intact(file: Evidence) -> None:
    """Assert that the report on the evidence can be read, and that nothing in a drawing leaves it."""
    report = samples.report(file)
    assert len(markdown.summary(report, LIMIT).encode()) <= LIMIT
    page = html.page(report)
    assert "<b>" not in page
    for figure in re.findall(r"<svg class=\"chart.*?</svg>", page):
        drawing = re.sub(r"<title>.*?</title>|<text.*?</text>|aria-label=\"[^\"]*\"", "", figure)
        assert not re.search(r"nan|inf", drawing)
        assert all(-1 <= float(n) <= 761 for n in re.findall(r'[ "][xyc][xy12]*="([^"]+)"', drawing))
        assert all(
            -1 <= float(n) <= 761 for path in re.findall(r' d="([^"]*)"', drawing) for n in re.findall(r"[-\d.]+", path)
        )
