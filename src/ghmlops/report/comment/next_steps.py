"""What a reader of the comment can do: reproduce the result, run again, decide otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ghmlops.core.details.imported import ImportDetails
from ghmlops.core.model import Outcome
from ghmlops.core.policy.document import DEFAULT_PATH
from ghmlops.report.content.reproduce_commands import reproduce_commands
from ghmlops.report.text.blocks import Cell, Code, Link, Words
from ghmlops.report.text.escape import safe_url

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.core.evidence.document import Evidence, Verdict
    from ghmlops.report.content.run_facts import Facts

EVIDENCE_FOLDER = "evidence"
_BLOCKING = (Outcome.ERROR, Outcome.FAIL, Outcome.INCONCLUSIVE)


def reproduce_lines(verdict: Verdict, evidence: Sequence[Evidence], facts: Facts) -> list[str]:
    """Return the commands that measure the commit again, with paths that a checkout of the repository has."""
    policy = _relative(facts.policy)
    facts = msgspec.structs.replace(
        facts,
        policy=policy if policy != DEFAULT_PATH else "",
        evidence_dir=_relative(facts.evidence_dir) or EVIDENCE_FOLDER,
    )
    return reproduce_commands(verdict, [_with_local_file(file) for file in evidence], facts)


def next_steps(verdict: Verdict, facts: Facts) -> list[Cell]:
    """Return how to run again, and how a maintainer decides otherwise; empty if nothing blocks the change."""
    if verdict.outcome not in _BLOCKING or verdict.override:
        return []
    run = safe_url(facts.run_url)
    again: Cell = (Link("this run", run),) if run else (Words("the run"),)
    steps: list[Cell] = [
        (Words("Run again: ", strong=True), Words("open "), *again, Words(" and choose Re-run all jobs."))
    ]
    if verdict.outcome is Outcome.FAIL:
        policy = _relative(facts.policy) or DEFAULT_PATH
        intended: Cell = (Words("The change is intended: ", strong=True), Words("adjust its limit in "), Code(policy))
        steps.append((*intended, Words(" in a separate pull request.")))
    steps.append(_decide(verdict.outcome))
    return steps


def _decide(outcome: Outcome) -> Cell:
    if outcome is Outcome.INCONCLUSIVE:
        lead, option = "Accept it: ", "override-reason"
        before, after = "a maintainer starts the deployment with ", ", which is recorded."
    else:
        lead, option = "Emergency: ", "emergency-reason"
        before, after = "a maintainer can deploy with ", ", which is recorded; nothing overrides this verdict."
    return (Words(lead, strong=True), Words(before), Code(option), Words(after))


def _relative(path: str) -> str:
    """Return a path below the repository, or an empty string for one that only the machine that measured has."""
    parts = path.replace("\\", "/").split("/")
    return "" if not parts[0] or ".." in parts or path[1:2] == ":" else path


def _with_local_file(file: Evidence) -> Evidence:
    if not isinstance(file.details, ImportDetails) or _relative(file.details.file):
        return file
    name = file.details.file.replace("\\", "/").rpartition("/")[2]
    return msgspec.structs.replace(file, details=msgspec.structs.replace(file.details, file=name))
