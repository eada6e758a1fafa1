"""What the reader of a comment can do next."""

from __future__ import annotations

import msgspec
import pytest

from ghmlops.core.details.imported import FailedRequests, ImportDetails
from ghmlops.core.model import Outcome
from ghmlops.report.comment.next_steps import next_steps, reproduce_lines
from ghmlops.report.formats.markdown import inline
from report import samples


@pytest.mark.parametrize(
    ("outcome", "options"),
    [
        (Outcome.PASS, []),
        (Outcome.WARN, []),
        (Outcome.INCONCLUSIVE, ["override-reason"]),
        (Outcome.FAIL, [".github/ghmlops.yml", "emergency-reason"]),
        (Outcome.ERROR, ["emergency-reason"]),
    ],
)
def test_options_of_a_maintainer(outcome: Outcome, options: list[str]) -> None:
    """An undecided verdict can be accepted, a failed one only bypassed in an emergency; a pass needs nothing."""
    verdict = msgspec.structs.replace(samples.merged(samples.latency()), outcome=outcome)
    text = " ".join(inline(step) for step in next_steps(verdict, samples.FACTS))
    named = [part for i, part in enumerate(text.split("`")) if i % 2]
    assert named == options
    assert (samples.FACTS.run_url in text) == bool(options)


@pytest.mark.parametrize(
    ("policy", "folder", "words"),
    [
        (".github/ghmlops.yml", "evidence", ["--evidence-dir", "evidence"]),
        ("ml/policy.yml", "out/evidence", ["--policy", "ml/policy.yml", "--evidence-dir", "out/evidence"]),
        ("/home/runner/work/shop/shop/p.yml", "/home/runner/_temp/e", ["--evidence-dir", "evidence"]),
        ("../p.yml", "C:\\temp\\e", ["--evidence-dir", "evidence"]),
    ],
)
def test_commands_have_paths_of_the_repository(policy: str, folder: str, words: list[str]) -> None:
    """A path that only the machine that measured has is replaced by the default."""
    files = [samples.regression()]
    facts = msgspec.structs.replace(samples.FACTS, policy=policy, evidence_dir=folder)
    line = reproduce_lines(samples.merged(*files), files, facts)[1]
    assert line.split() == ["ghmlops", "regression", *words]


def test_an_imported_file_has_its_name_only() -> None:
    """The reader has the file, not the folder of the machine."""
    counts = FailedRequests(min=0, max=0)
    details = ImportDetails(
        tool="k6", file="/home/runner/_temp/k6.json", requests=10, timed_requests=10, failed_requests=counts
    )
    files = [samples.evidence("import", samples.latency().findings, details=details)]
    line = reproduce_lines(samples.merged(*files), files, samples.FACTS)[1]
    assert "--file k6.json" in line
