"""The comment: size, first lines, GitHub's rendering, hostile text, announcements."""

from __future__ import annotations

import re

import cmarkgfm
import msgspec
import pytest
from cmarkgfm.cmark import Options
from hypothesis import HealthCheck, given, settings

from ghmlops.core.evidence.document import Evidence
from ghmlops.core.model import NotMeasured, Outcome
from ghmlops.report.comment.brief import brief, measuring_line
from ghmlops.report.content.comment_marker import read_subject
from ghmlops.report.content.run_facts import Facts
from ghmlops.report.formats import comment as comment_format
from ghmlops.report.formats.comment import ANNOUNCEMENT, COMMENT_BUDGET, comment, with_announcement
from report import prediction_samples, samples
from report.hostile_samples import ATTACKS
from report.reading import ACTIVE, columns, read_html, read_markdown, tables
from report.test_golden import CASES
from report.test_hostile import HOSTILE, OWN_MARKDOWN_TAGS, assert_inactive, hostile_facts, hostile_verdict

MARK = "<!-- ghmlops:report service=click-scorer workflow=check -->"


def text_of(*files: Evidence, facts: Facts = samples.FACTS) -> str:
    """Return the comment on these files."""
    return comment(brief(samples.merged(*files), files, facts))


def rendered(text: str) -> str:
    """Return the HTML as GitHub renders it."""
    return str(cmarkgfm.github_flavored_markdown_to_html(text, options=Options.CMARK_OPT_UNSAFE))


def words_before_the_fold(text: str) -> list[str]:
    """Return the visible words in front of the first collapsed part."""
    html = re.sub(r"<!--.*?-->|\[!\w+\]", "", rendered(text), flags=re.DOTALL)
    return re.sub(r"<[^>]+>", " ", html.partition("<details>")[0]).split()


@pytest.mark.parametrize("name", [name for name, (files, _) in CASES.items() if name in ("pass", "capacity")])
def test_a_pass_is_short(name: str) -> None:
    """Less than 2 kB, and less than forty words in front of the first fold."""
    files, extra = CASES[name]
    text = comment(brief(samples.merged(*files, extra=extra), files, samples.FACTS))
    assert len(text.encode()) < 2_000
    assert len(words_before_the_fold(text)) < 40


def test_a_pass_of_many_legs_is_short_before_the_fold() -> None:
    """Clauses beyond the limit are counted."""
    files = [samples.latency(leg=f"leg-{i}") for i in range(9)] + [prediction_samples.predictions(broken=False)]
    assert len(words_before_the_fold(text_of(*files))) < 40


@pytest.mark.parametrize("name", ["fail", "predictions", "inconclusive", "error", "legs", "cut"])
def test_a_typical_failure_is_below_six_kilobytes(name: str) -> None:
    """Also with two thousand failed slices."""
    files, extra = CASES[name]
    assert len(comment(brief(samples.merged(*files, extra=extra), files, samples.FACTS)).encode()) < 6_000


@pytest.mark.parametrize(
    ("outcome", "alert"),
    [
        (Outcome.PASS, "TIP"),
        (Outcome.WARN, "WARNING"),
        (Outcome.INCONCLUSIVE, "WARNING"),
        (Outcome.FAIL, "CAUTION"),
        (Outcome.ERROR, "CAUTION"),
    ],
)
def test_the_alert_box_follows_the_outcome(outcome: Outcome, alert: str) -> None:
    """The box comes directly below the heading."""
    verdict = msgspec.structs.replace(samples.merged(samples.latency()), outcome=outcome)
    blocks = comment(brief(verdict, [samples.latency()], samples.FACTS)).split("\n\n")
    assert blocks[1].startswith("## ")
    assert blocks[2].startswith(f"> [!{alert}]\n> ")


def test_the_order_of_the_parts() -> None:
    """Hidden lines, outcome, causes and action in the box, table, commits, fold, links."""
    text = text_of(samples.latency(slow=True), samples.regression(broken=True))
    parts = [MARK, "## ❌ click-scorer fails", "> [!CAUTION]", "> - **Latency:**", "> - **Predictions:**"]
    parts += ["> **To do:**", "| Result |", "head [`3f9c1b7a52`]", "<details>", "```sh", "</details>", "[Run and job"]
    positions = [text.index(part) for part in parts]
    assert positions == sorted(positions)


def test_github_renders_every_part() -> None:
    """One heading, one box, one table with a row for each cause, one fold; no Markdown is left over."""
    html = rendered(text_of(samples.latency(slow=True), samples.regression(broken=True)))
    counts = {tag: len(re.findall(f"<{tag}[ >]", html)) for tag in ("h2", "blockquote", "table", "tr", "th", "details")}
    assert counts == {"h2": 1, "blockquote": 1, "table": 1, "tr": 3, "th": 3, "details": 1}
    visible = re.sub(r"<[^>]+>", "", re.sub(r"<!--.*?-->", "", html, flags=re.DOTALL))
    assert not re.search(r"\*\*|\]\(|^\||```", visible, re.MULTILINE)


@pytest.mark.parametrize("name", list(CASES))
def test_no_internal_words_and_no_paths_of_the_machine(name: str) -> None:
    """The comment speaks of results, not of our parts; headings are no ids."""
    files, extra = CASES[name]
    facts = msgspec.structs.replace(samples.FACTS, evidence_dir="/home/runner/work/_temp/evidence")
    text = comment(brief(samples.merged(*files, extra=extra), files, facts))
    visible = re.sub(r"<!--.*?-->", "", text)
    assert not re.search(r"\b(pillars?|arms?|duet|leg)\b(?!-)", visible.replace("--leg", ""), re.IGNORECASE)
    assert "/home/" not in visible
    assert not re.search(r"^#+ .*`", visible, re.MULTILINE)
    assert not re.search(r"\de[-\u2212]\d", visible)


def test_everything_long_and_many_stays_below_the_limit() -> None:
    """Twenty kilobytes, whatever the evidence contains."""
    bad = "&<|`*_[]" * 200
    findings = [
        samples.metric(f"m{i}" + bad, (0.8, 0.7), 0.01, Outcome.FAIL, slice={f"{i}{bad}{k}": bad for k in range(9)})
        for i in range(50)
    ]
    notes = [NotMeasured(what=f"everything {i} {bad}", why=bad) for i in range(50)]
    files = [samples.evidence("regression", findings, leg=f"{i}{bad}"[:200], not_measured=notes) for i in range(20)]
    facts = Facts(
        workflow=bad * 9,
        artifact_url="https://github.example/" + "a" * 1800,
        run_url="https://github.example/" + "b" * 1800,
        evidence_dir=bad,
        policy=bad,
    )
    text = text_of(*files, facts=facts)
    assert 5_000 < len(text.encode()) <= COMMENT_BUDGET == 20_000
    for table in tables(text):
        assert {columns(line) for line in table} == {columns(table[0])}


def test_the_marker_is_the_first_line_and_unique() -> None:
    """The first line identifies the comment; a copy of the marker in evidence is escaped."""
    notes = [NotMeasured(what=f"everything {MARK}", why=f"\n{MARK}\n")]
    quoting = msgspec.structs.replace(samples.latency(), not_measured=notes)
    text = text_of(quoting, samples.regression())
    assert text.splitlines()[0] == MARK
    assert text.count(MARK) == 1
    assert len(read_markdown(text).comments) == 2


def check_hostile(bad: str) -> None:
    """Assert that the comment on hostile evidence has only our markup."""
    verdict, file = hostile_verdict(bad)
    text = comment(brief(verdict, [file], hostile_facts(bad)))
    assert len(text.encode()) <= COMMENT_BUDGET
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", text)
    assert text.splitlines()[0].startswith("<!-- ghmlops:report service=")
    document = read_markdown(text)
    assert_inactive(document, OWN_MARKDOWN_TAGS)
    assert len(document.comments) == 2
    assert (document.tags.count("h2"), document.tags.count("details"), document.tags.count("summary")) == (1, 1, 1)
    assert not ACTIVE.search(document.text(code=False).replace("ghmlops:", ""))
    for table in tables(text):
        assert {columns(line) for line in table} == {columns(table[0])}
    read_html(rendered(text))


@pytest.mark.parametrize("bad", ATTACKS, ids=lambda bad: ascii(bad[:24]))
def test_each_attack(bad: str) -> None:
    """No attack becomes a tag, a row, a heading, a link, a mention or a reference."""
    check_hostile(bad)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(HOSTILE)
def test_any_text(bad: str) -> None:
    """No other text does either."""
    check_hostile(bad)


def test_an_announcement_keeps_the_earlier_report() -> None:
    """The box is added once and replaced by the next one; the hidden lines stay first, so that they can be read."""
    report = text_of(samples.latency(), samples.regression())
    line = measuring_line("a" * 40, samples.FACTS)
    first = with_announcement(MARK, line, report)
    assert first.splitlines()[:2] == report.splitlines()[:2]
    assert read_subject(first) == read_subject(report)
    assert first.count("> [!NOTE]") == 1
    assert first.index("[!NOTE]") < first.index("## ✅")
    assert with_announcement(MARK, line, first) == first
    other = with_announcement(MARK, measuring_line("b" * 40, samples.FACTS), first.replace("\n", "\r\n"))
    assert (other.count(ANNOUNCEMENT), "a" * 10 in other, "b" * 10 in other) == (1, False, True)


def test_the_first_announcement_is_a_comment_without_a_subject() -> None:
    """Any report replaces it."""
    text = with_announcement(MARK, measuring_line("a" * 40, samples.FACTS), "")
    assert text.splitlines()[0] == MARK
    assert read_subject(text) is None
    assert with_announcement(MARK, measuring_line("b" * 40, samples.FACTS), text).count("Measuring") == 1
    assert comment_format.END in text
