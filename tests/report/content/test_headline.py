"""Headline of a report: the decisive regression, or what was measured without one."""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec

from ghmlops.core.evidence.document import Evidence
from ghmlops.core.model import Finding, Outcome
from ghmlops.report.content.headline import headline
from ghmlops.report.content.placed_findings import place_findings, rank_failures, rank_findings
from ghmlops.report.formats.markdown import inline
from report import prediction_samples, samples


def text_of(*files: Evidence, override: str = "") -> str:
    """Return the headline over these files as plain text."""
    verdict = msgspec.structs.replace(samples.merged(*files, required=()), override=override)
    entries = rank_findings(place_findings(verdict.findings, files))
    return inline(headline(verdict, entries, rank_failures(entries), files)).replace("\u00a0", " ")


def test_a_pass_names_what_was_measured(golden: Callable[[str, str], None]) -> None:
    """Each pillar in the order of the table of pillars, with its key number."""
    files = (samples.capacity(), prediction_samples.predictions(broken=False), samples.latency())
    golden("headline-pass.txt", text_of(*files) + "\n")


def test_a_pass_without_a_comparison_claims_no_comparison() -> None:
    """A capacity search alone compares nothing."""
    assert text_of(samples.capacity()).startswith("All limits are met: capacity")


def test_a_failure_names_the_pillar_and_its_decisive_finding() -> None:
    """The summary sentence of the worst pillar, and how many other findings failed."""
    file = samples.latency(slow=True)
    text = text_of(file, samples.regression())
    assert text == f"**Latency**: {file.findings[0].reason} 2 more findings failed."
    assert text_of(samples.latency(slow=True, leg="gpu")).startswith("**Latency** (gpu): ")


def test_a_confirmed_failure_is_marked_and_not_counted_twice() -> None:
    """The run on a fresh deployment repeats the same findings."""
    files = (samples.latency(slow=True), samples.latency(slow=True, leg="confirm"))
    assert re.search(r"Confirmed on a second, .*\. 2 more ", text_of(*files))


def test_one_more_finding_is_singular() -> None:
    """One other warning "has a warning"."""
    warnings = [
        samples.metric("accuracy", (0.8, 0.79), 0.01, Outcome.WARN),
        samples.metric("auc", (0.8, 0.79), 0.01, Outcome.WARN),
    ]
    assert text_of(samples.evidence("regression", warnings)).endswith("1 more finding has a warning.")


def test_other_verdicts_keep_their_reason() -> None:
    """Without evidence, with evidence of no pillar, and after an override, it is the headline."""
    policy = Finding(id="policy-changed", metric="policy", outcome=Outcome.WARN, reason="It changed.", docs="README.md")
    for files, override in (((), ""), ((samples.evidence("check", [policy]),), ""), ((samples.latency(),), "hotfix")):
        verdict = samples.merged(*files, required=("regression",))
        verdict = msgspec.structs.replace(verdict, override=override)
        entries = rank_findings(place_findings(verdict.findings, files))
        assert inline(headline(verdict, entries, rank_failures(entries), files)).replace("\\", "") == verdict.reason
