"""The sections of a prediction diff: order, bounds, data sets, and that no evidence can break them."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest

from ghmlops.core.evidence.document import Evidence
from ghmlops.core.model import Measurement, Outcome
from ghmlops.core.steps.github_limits import SUMMARY_LIMIT
from ghmlops.report.content import evidence_tables as given
from ghmlops.report.content import predictions
from ghmlops.report.content.details import settings
from ghmlops.report.formats import html, markdown
from ghmlops.report.formats.annotations import annotate
from ghmlops.report.formats.junit import junit
from report import prediction_samples, samples
from report.reading import ACTIVE, columns, read_html, read_markdown, tables
from report.test_hostile import ATTACKS, OWN_MARKDOWN_TAGS, OWN_PAGE_TAGS, assert_inactive

WRONG: tuple[Any, ...] = (None, True, -1, 10**400, 1e308, -1e308, 1e-320, "", "x", "<b>|`", [], [None], {}, {"a": [1]})


def comment(*files: Evidence) -> str:
    return markdown.comment(samples.report(*files))


def table(text: str, title: str) -> list[list[str]]:
    """Return the cells of the first table after `title`, without its heading."""
    found = tables(text[text.index(title) :])[0]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in found[2:]]


def test_metrics_are_judged_first_and_the_worst_first() -> None:
    """What failed, what passed, then what is only shown; with rows, values, change, interval and limit."""
    rows = table(comment(prediction_samples.predictions()), "**regression: metrics**")
    assert [(row[0], row[1]) for row in rows] == [
        ("❌ fail", "`accuracy`"),
        ("❌ fail", "`auc`"),
        ("❌ fail", "`log-loss`"),
        ("✅ pass", "`brier`"),
        ("✅ pass", "`positive-rate`"),
        ("shown", "`ece`"),
    ]
    numbers = [cell.replace("\u00a0", " ").replace("\u2212", "-") for cell in rows[0][2:]]
    assert numbers == ["327,350", "81.2 %", "79.6 %", "**-1.6 pt** [-1.8, -1.4] ↓ worse", "≥ -0.5 pt"]


def test_slices_are_sorted_by_outcome_and_then_by_p() -> None:
    """A failure comes before a pass with a smaller p; what has no p comes last."""
    p = {"a": ("pass", 0.001), "b": ("fail", 0.02), "c": ("warn", 0.0001), "d": ("fail", 0.01), "e": ("pass", None)}
    rows = [{"slice": name, "metric": "auc", "outcome": outcome, "p": value} for name, (outcome, value) in p.items()]
    shown = table(
        comment(prediction_samples.replaced(prediction_samples.predictions(), slices=rows)), "slices, the worst"
    )
    assert [row[1] for row in shown] == ["`d`", "`b`", "`c`", "`a`", "`e`"]


def test_what_is_not_written_down_is_said() -> None:
    """The evidence lists the slices with the smallest p; the note says of how many."""
    text = comment(prediction_samples.predictions())
    assert "10 of 1,204 slices are written down, those with the smallest p. Holm at 0.01 fails" in text
    assert "windows are written down" not in text


def test_each_table_is_there_only_where_the_evidence_has_it() -> None:
    """Without tables there is no section of theirs, and the rest of the report is as before."""
    whole = prediction_samples.predictions()
    titles = [section.title for section in predictions.sections([whole])]
    assert titles == ["Metrics", "Slices", "Windows", "Predictions that changed", "Distributions"]
    for key in given.TABLES:
        alone = msgspec.structs.replace(whole, details={key: whole.details[key]})
        assert len([*predictions.sections([alone]), *predictions.opening([alone])]) == 1, key
    assert predictions.sections([msgspec.structs.replace(whole, details={"settings": {"alpha": 0.01}})]) == []
    assert predictions.sections([msgspec.structs.replace(whole, command="latency")]) == []


def test_its_tables_do_not_stand_among_the_settings_too() -> None:
    """What has a section of its own is left out there; a table that is none is shown as it is."""
    whole = prediction_samples.predictions()
    assert [t.title for t in settings([whole])] == ["regression: settings"]
    odd = settings([prediction_samples.replaced(whole, slices="none", drift=[1, 2])])
    assert "Code(text='slices', limit=100)" in str(odd[0].rows)
    assert "[1,2]" in str(odd[0].rows)


def test_entries_that_are_no_rows_are_counted() -> None:
    """Half a table is shown as half a table."""
    odd = prediction_samples.replaced(prediction_samples.predictions(), rank=[{"spearman": 0.5, "rows": 3}, 7, None])
    assert "rank correlation of the scores (2 entries are not readable)" in comment(odd)


def test_data_sets_have_a_column_where_there_are_several() -> None:
    """Every table, the drawing, the findings, the test report and the annotations name the data set."""
    one, two = (prediction_samples.predictions(datasets=names) for names in (("",), ("golden", "live")))
    assert "Data set" not in comment(one)
    text = comment(two)
    for title in ("metrics", "classes", "slices, the worst", "found by the search", "windows, the worst"):
        part = text[text.index(f"regression: {title}") :]
        assert "| Data set |" in part.splitlines()[2], title
    assert "by window in data set `golden`" in text
    assert "`regression` · data set `live`" in text
    assert 'name="window-accuracy data set live from 2025-01-21"' in junit(samples.merged(two), [two])
    place = "(data set golden, device=tablet, country=FR)"
    assert any(place in line.replace("%2C", ",").replace("%3A", ":") for line in annotate(two.findings))


def test_flips_say_what_an_answer_became() -> None:
    """A matrix of few classes, what changed before what did not, and nothing claimed where there is no label."""
    text = comment(prediction_samples.predictions())
    assert table(text, "answers of the baseline (down)") == [["`cat`", "700", "**53**"], ["`dog`", "**3**", "0"]]
    became = [(*row[:3], row[4]) for row in table(text, "answers by label")]
    assert became == [
        ("`cat`", "`cat`", "`dog`", "right → wrong"),
        ("`dog`", "`cat`", "`dog`", "wrong → right"),
        ("\u2013", "`dog`", "`cat`", "another answer"),
        ("`cat`", "`cat`", "`cat`", "right as before"),
    ]


def test_changed_rows_keep_their_keys() -> None:
    """A whole number may be a key: no digit of it is grouped or rounded."""
    rows = [{"id": 12_345_678_901_234_567, "score": 0.123456}]
    changed = prediction_samples.replaced(prediction_samples.predictions(), **{"changed rows": rows})
    assert table(comment(changed), "changed rows, the largest") == [["12345678901234567", "0.1235"]]


def test_metrics_beyond_the_worst_five_stand_open() -> None:
    """Where the list of the worst findings has no room for a failed metric, a table above the fold has it."""
    heading = "### Metrics that did not pass"
    assert heading not in comment(prediction_samples.predictions())
    text = comment(prediction_samples.predictions(datasets=("a", "b", "c", "d", "e")))
    assert f"{heading} (the worst 12 of 15)" in text
    assert text.index(heading) < text.index("### Not measured") < text.index("<details>")
    assert {row[0] for row in table(text, heading)} == {"❌ fail"}


LIMITS = [("x" * 300, 1), ("x" * 300, 60), ("|`<&@a" * 60, 60), ("ü\u202e" * 200, 60)]


@pytest.mark.parametrize(("name", "datasets"), LIMITS, ids=["one set", "long", "escaped", "wide"])
def test_it_fits_at_every_limit_of_the_engine(name: str, datasets: int) -> None:
    """10,000 slices, 60 data sets, long names: below the limits, every pass gone before any failure, and it is said."""
    report = samples.report(samples.latency(), prediction_samples.large(datasets=datasets, name=name))
    text, summary = markdown.comment(report), markdown.summary(report)
    assert 50_000 < len(text.encode()) <= markdown.COMMENT_LIMIT
    assert len(summary.encode()) <= SUMMARY_LIMIT
    assert "**Shortened** to what GitHub takes" in text
    assert "The whole stands in the [uploaded evidence]" in text
    judged = [line for line in text.splitlines() if line.startswith("| ✅ pass")]
    assert judged == []
    assert text.count("| ❌ fail") > 20
    assert "rows are left out here." in text
    for shown in tables(text):
        assert {columns(line) for line in shown} == {columns(shown[0])}
    read_markdown(text)
    read_html(html.page(report))


def test_passes_fill_what_failures_leave() -> None:
    """Where only some rows must go, every failure of the evidence is still there."""
    found = [
        samples.metric(
            "accuracy", (0.8, 0.7), 0.01, Outcome.FAIL if i < 40 else Outcome.PASS, slice={"place": f"p{i:04d}"}
        )
        for i in range(800)
    ]
    text = comment(samples.evidence("regression", found))
    assert all(f"`place=p{i:04d}`" in text for i in range(40))
    assert 0 < text.count("| ✅ pass |") < 760


def test_many_legs_with_everything_fit() -> None:
    """The texts that are never cut stay below the limit too, and what has no room is counted."""
    wide: dict[str, float | None] = {f"column-{i}-" + "&" * 80: 1.0 * i for i in range(30)}
    other = {f"table {i} " + "&" * 200: [wide, wide] for i in range(40)}
    large = prediction_samples.large(datasets=3, name="&" * 300)
    kinds = [Measurement(id=f"m{k}", arm="candidate", unit="ms", n=1, values={f"{k}": 1.0}) for k in range(30)]
    files = [
        msgspec.structs.replace(large, leg=f"{i}" + "&" * 300, details={**large.details, **other}, measurements=kinds)
        for i in range(6)
    ]
    text = comment(*files)
    assert len(text.encode()) <= markdown.COMMENT_LIMIT
    assert "2 more evidence files with tables like these" in text


@pytest.mark.parametrize("bad", ATTACKS, ids=lambda bad: ascii(bad[:24]))
def test_no_name_breaks_out(bad: str) -> None:
    """A hostile text in every place of every table is text in Markdown, in the drawing and on the page."""
    report = samples.report(hostile(bad[:10_000]))
    text = markdown.comment(report)
    seen = read_markdown(text)
    assert_inactive(seen, OWN_MARKDOWN_TAGS)
    assert len(seen.comments) == 2
    assert not ACTIVE.search(seen.text(code=False).replace("ghmlops:", ""))
    assert text.count("```mermaid") == 1
    for shown in tables(text):
        assert {columns(line) for line in shown} == {columns(shown[0])}
    drawn = text[text.index("```mermaid") :].split("```")[1].splitlines()
    assert [re.split(r"[ \[{]", line.strip())[0] for line in drawn[1:]] == MERMAID_LINES
    assert all(line.count('"') % 2 == 0 for line in drawn)
    page = read_html(html.page(report))
    assert_inactive(page, OWN_PAGE_TAGS)
    assert page.comments == []
    assert page.tags.count("svg") >= 4


MERMAID_LINES = ["%%", "xychart-beta", "x-axis", "y-axis", "bar", "line", "line"]


def hostile(bad: str) -> Evidence:
    """Return evidence with `bad` for every name in its tables, and as a key of the tables with free columns."""
    whole = prediction_samples.predictions()
    free = {"changed rows": [{bad: bad, "id": bad}], "noise": [{bad: bad}]}
    found = {
        key: [{k: bad if isinstance(v, str) and k != "outcome" else v for k, v in row.items()} for row in rows[-12:]]
        for key, rows in whole.details.items()
        if isinstance(rows, list)
    }
    found["timeline"] = [row | {"window": f"{i}{bad}"} for i, row in enumerate(found["timeline"])]
    found["columns"] = [row | {"class": "changed"} for row in found["columns"]]
    found["distributions"] += [{"column": bad, "values": [bad, bad], "baseline": [1, 2], "candidate": [2, 1]}]
    named = [msgspec.structs.replace(f, metric=bad) for f in whole.findings]
    return msgspec.structs.replace(whole, details={**found, **free}, findings=named)


@pytest.mark.parametrize("key", given.TABLES)
def test_wrong_types_are_a_dash(key: str) -> None:
    """Whatever stands in one place of a table, or in place of it: no error, balanced tags, only finite numbers."""
    whole = few(key)
    rows = whole.details[key]
    for bad in WRONG:
        odd: list[Any] = [bad, [bad], [bad, rows[0]], [dict.fromkeys(rows[0], bad)]]
        odd += [[{**rows[0], name: bad}, *rows[1:]] for name in rows[0]]
        odd += [[{**rows[0], name: [bad] * len(rows[0][name])}] for name in rows[0] if isinstance(rows[0][name], list)]
        for value in odd:
            check(prediction_samples.replaced(whole, **{key: value}))


def few(key: str) -> Evidence:
    """Return evidence with a few rows of one table."""
    whole = prediction_samples.predictions()
    rows = {name: whole.details[name][:3] for name in ("metrics", key)}
    return msgspec.structs.replace(whole, details=rows, findings=whole.findings[:1])


def check(evidence: Evidence) -> None:
    """Assert that the report on it can be read, and that nothing in a drawing leaves it."""
    held = msgspec.json.decode(msgspec.json.encode(evidence.details))
    report = samples.report(msgspec.structs.replace(evidence, details=held))
    assert len(markdown.comment(report).encode()) <= markdown.COMMENT_LIMIT
    page = html.page(report)
    assert "<b>" not in page
    for figure in re.findall(r"<svg class=\"chart.*?</svg>", page):
        drawn = re.sub(r"<title>.*?</title>|<text.*?</text>|aria-label=\"[^\"]*\"", "", figure)
        assert not re.search(r"nan|inf", drawn)
        assert all(-1 <= float(n) <= 761 for n in re.findall(r'[ "][xyc][xy12]*="([^"]+)"', drawn))
        assert all(
            -1 <= float(n) <= 761 for path in re.findall(r' d="([^"]*)"', drawn) for n in re.findall(r"[-\d.]+", path)
        )
