"""Layout of a report: its parts and their order, for each kind of verdict."""

from __future__ import annotations

import msgspec

from ghmlops.core.model import NotMeasured, Outcome
from ghmlops.report.content.layout import lay_out, links
from ghmlops.report.content.run_facts import ReportedOutcome
from ghmlops.report.formats.markdown import inline
from report import prediction_samples, samples


def test_sections_are_in_a_fixed_order() -> None:
    """Findings first, how to reproduce the run last."""
    report = samples.report(samples.latency(), prediction_samples.predictions())
    assert [section.title for section in report.sections] == [
        "All 19 findings",
        "Metrics",
        "Slices",
        "Windows",
        "Predictions that changed",
        "Scores and errors by label",
        "Distributions",
        "What changed",
        "All measurements",
        "Details and settings",
        "Evidence and fingerprints",
        "Reproduce",
    ]


def test_the_subject_names_commits_and_sizes() -> None:
    """Head, base, rows, requests and the attempt of the run."""
    text = inline(samples.report(samples.latency(), samples.regression()).subject)
    assert text.startswith("head [`3f9c1b7a52`]")
    assert "against base [`b41d0e9f8a`]" in text
    assert "32,735 rows · 12,000 requests · attempt 2" in text


def test_the_worst_findings_are_five_at_most() -> None:
    """The title says of how many."""
    report = samples.report(prediction_samples.predictions(), samples.latency(slow=True))
    assert len(report.worst.items) == 5
    assert report.worst.title == "The worst 5 of 14 findings"
    assert samples.report(samples.latency(), samples.regression()).worst.items == []


def test_what_was_not_measured_is_listed_once() -> None:
    """The verdict and several legs may report the same note."""
    note = NotMeasured(what="cold start", why="warm-up")
    files = [msgspec.structs.replace(samples.latency(leg=leg), not_measured=[note]) for leg in ("a", "b")]
    assert len(samples.report(*files).not_measured.items) == 1


def test_notices_are_those_of_a_stale_overridden_report() -> None:
    """Another head, an earlier report and an override each have a notice."""
    verdict = msgspec.structs.replace(samples.merged(samples.latency()), override="hotfix")
    previous = ReportedOutcome("e" * 40, Outcome.FAIL)
    facts = msgspec.structs.replace(samples.FACTS, current_head="d" * 40, previous=previous)
    notices = [inline(notice) for notice in lay_out(verdict, [samples.latency()], facts).notices]
    assert [notice.split(":")[0].strip("*") for notice in notices] == ["Stale", "Previous report", "Overridden"]
    assert samples.report(samples.latency()).notices == []


def test_each_address_is_linked_once() -> None:
    """Page, run and evidence; what has the address of the run is not linked again."""
    run = samples.FACTS.run_url
    facts = msgspec.structs.replace(samples.FACTS, page_url="https://github.example/p", artifact_url=run)
    assert [inline(link).split("](<")[1][:-2] for link in links(facts)] == ["https://github.example/p", run]
    assert links(msgspec.structs.replace(facts, page_url="javascript:x", run_url="", artifact_url="")) == []


def test_the_dashboard_of_the_policy_is_linked() -> None:
    """Behind what belongs to this run."""
    facts = msgspec.structs.replace(samples.FACTS, dashboard_url="https://acme.github.io/shop/")
    assert "https://acme.github.io/shop/" in inline(links(facts)[-1])


def test_a_report_without_evidence() -> None:
    """The verdict says so, nothing is listed as measured, and the pillars have one row that says it."""
    report = samples.report(facts=msgspec.structs.replace(samples.FACTS, required=()))
    assert report.outcome is Outcome.INCONCLUSIVE
    assert len(report.pillars.rows) == 1
    assert [section.title for section in report.sections][-1] == "Reproduce"
    assert "All measurements" not in [section.title for section in report.sections]
