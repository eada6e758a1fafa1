"""Whole reports as files: what a reader sees for each outcome. `pytest --golden` rewrites them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec
import pytest

from ghmlops.core.model import NotMeasured, Outcome
from ghmlops.report.comment.brief import brief
from ghmlops.report.content.layout import lay_out
from ghmlops.report.content.run_facts import ReportedOutcome
from ghmlops.report.formats import html, junit, markdown
from ghmlops.report.formats.comment import comment
from ghmlops.report.formats.css import CSS
from ghmlops.report.formats.script import SCRIPT
from report import prediction_samples, samples

if TYPE_CHECKING:
    from collections.abc import Callable

    from ghmlops.core.evidence.document import Evidence
    from ghmlops.core.evidence.loaded import Loaded

CASES: dict[str, tuple[tuple[Evidence, ...], tuple[Loaded, ...]]] = {
    "pass": ((samples.latency(), samples.regression()), ()),
    "fail": ((samples.latency(slow=True), samples.regression(broken=True)), ()),
    "inconclusive": ((samples.latency(),), ()),
    "error": ((samples.regression(),), (samples.unreadable(),)),
    "legs": ((samples.latency(leg="cpu"), samples.latency(leg="gpu", slow=True), samples.regression()), ()),
    "capacity": ((samples.capacity(), samples.latency(), samples.regression()), ()),
    "predictions": ((samples.latency(), prediction_samples.predictions()), ()),
    "datasets": ((prediction_samples.predictions(datasets=("golden", "live"), broken=False),), ()),
    "targets": ((prediction_samples.predictions(datasets=("target=toxic", "live/target=spam")),), ()),
    "texts": ((prediction_samples.texts(),), ()),
    "nothing": ((), ()),
    "cut": ((samples.many_findings(2000), samples.latency()), ()),
}
EXPECTED = {
    "pass": Outcome.PASS,
    "fail": Outcome.FAIL,
    "inconclusive": Outcome.INCONCLUSIVE,
    "error": Outcome.ERROR,
    "legs": Outcome.FAIL,
    "capacity": Outcome.PASS,
    "predictions": Outcome.FAIL,
    "datasets": Outcome.INCONCLUSIVE,
    "targets": Outcome.FAIL,
    "texts": Outcome.FAIL,
    "nothing": Outcome.INCONCLUSIVE,
    "cut": Outcome.FAIL,
}


@pytest.mark.parametrize("name", list(CASES))
def test_the_summary(name: str, golden: Callable[[str, str], None]) -> None:
    """The job summary of each outcome is the one that was reviewed."""
    files, extra = CASES[name]
    report = samples.report(*files, extra=extra)
    assert report.outcome is EXPECTED[name]
    golden(f"report-{name}.md", markdown.summary(report))


@pytest.mark.parametrize("name", list(CASES))
def test_the_comment(name: str, golden: Callable[[str, str], None]) -> None:
    """The comment of each outcome is the one that was reviewed."""
    files, extra = CASES[name]
    golden(f"comment-{name}.md", comment(brief(samples.merged(*files, extra=extra), files, samples.FACTS)))


@pytest.mark.parametrize("name", [n for n in CASES if n not in ("cut", "datasets", "targets")])
def test_the_page(name: str, golden: Callable[[str, str], None]) -> None:
    """The page of each outcome is the one that was reviewed; its style and script are in separate golden files."""
    files, extra = CASES[name]
    page = html.page(samples.report(*files, extra=extra))
    assert (page.count(CSS), page.count(SCRIPT)) == (1, 1)
    page = page.replace(CSS, "\n...\n").replace(SCRIPT, "\n...\n")
    golden(f"report-{name}.html", re.sub(r"sha256-[A-Za-z0-9+/]{43}=", "sha256-...", page))


def test_the_style_and_the_script(golden: Callable[[str, str], None]) -> None:
    """The style and the script of the page are those that were reviewed."""
    golden("report.css", CSS)
    golden("report.js", SCRIPT)


@pytest.mark.parametrize("name", ["fail", "predictions"])
def test_the_test_report(name: str, golden: Callable[[str, str], None]) -> None:
    """The JUnit file of a failure is the one that was reviewed."""
    files, _ = CASES[name]
    golden(f"report-{name}.xml", junit.junit(samples.merged(*files), files))


def test_a_stale_and_overridden_report(golden: Callable[[str, str], None]) -> None:
    """A report on a commit that is no longer the head says so, and quotes the reason of an override."""
    files = (samples.latency(),)
    verdict = msgspec.structs.replace(
        samples.merged(*files),
        outcome=Outcome.WARN,
        reason_code="overridden",
        override="hotfix | see <b>ticket</b> @team (by octocat)",
        environment="production",
        not_measured=[NotMeasured(what="everything", why="evidence folder evidence does not exist")],
    )
    facts = msgspec.structs.replace(
        samples.FACTS, current_head="d" * 40, previous=ReportedOutcome("e" * 40, Outcome.FAIL)
    )
    golden("report-stale.md", markdown.summary(lay_out(verdict, files, facts)))
    golden("comment-stale.md", comment(brief(verdict, files, facts)))
