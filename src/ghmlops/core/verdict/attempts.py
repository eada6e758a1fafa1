"""Which files of a folder count together: the newest attempt of each leg, and no measurement twice."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from ghmlops.core.model import Finding, NotMeasured, Outcome
from ghmlops.core.verdict.admission import refusal
from ghmlops.core.verdict.problems import problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.core.evidence.document import Evidence
    from ghmlops.core.evidence.loaded import Loaded
    from ghmlops.core.verdict.rules import Rules


class Selection(NamedTuple):
    """The files of a folder by their part in the verdict.

    Attributes:
        current: the files that are in the verdict, whether they count or not.
        counted: those of them that count.
        problems: why the others do not, and duplicates.
        not_measured: the files that a newer attempt replaced.
    """

    current: list[Loaded]
    counted: list[Loaded]
    problems: list[Finding]
    not_measured: list[NotMeasured]


def select(files: Sequence[Loaded], rules: Rules) -> Selection:
    """Select the newest evidence of each leg over all attempts of a run.

    A file that does not count, and one without findings, replaces none. Only an artifact of a run that GitHub knows
    shows which attempt wrote a file, so no file of a plain folder replaces another one, and a second file of a leg is a
    duplicate.
    """
    refusals = [refusal(loaded, rules) for loaded in files]
    newest: dict[tuple[str, ...], int] = {}
    for loaded, refused in zip(files, refusals, strict=True):
        if rules.run and loaded.artifact and loaded.evidence and loaded.evidence.findings and refused is None:
            key = _identity(loaded.evidence)
            newest[key] = max(newest.get(key, 0), loaded.evidence.provenance.run_attempt)
    remaining = [
        (loaded, refused)
        for loaded, refused in zip(files, refusals, strict=True)
        if not loaded.evidence or loaded.evidence.provenance.run_attempt >= newest.get(_identity(loaded.evidence), 0)
    ]
    current = [loaded for loaded, _ in remaining]
    counted = [loaded for loaded, refused in remaining if refused is None]
    names = {id(loaded) for loaded in current}
    replaced = [loaded for loaded in files if id(loaded) not in names]
    why = "a later attempt of the same run measured it again"
    return Selection(
        current=current,
        counted=counted,
        problems=[
            *(refused for _, refused in remaining if refused),
            *_duplicates(counted, rules),
            *_several_runs(counted, rules),
            *_out_of_order(counted, replaced),
        ],
        not_measured=[NotMeasured(what=f"evidence file {f.file}", why=why) for f in replaced],
    )


def _identity(evidence: Evidence) -> tuple[str, ...]:
    origin = evidence.provenance
    return (evidence.command, evidence.leg, origin.repository, origin.head_sha, origin.run_id)


def _duplicates(counted: Sequence[Loaded], rules: Rules) -> list[Finding]:
    """Return a finding for each leg of a command that has several files of its newest attempt."""
    keys = [(f.evidence.command, f.evidence.leg) for f in counted if f.evidence]
    findings = []
    for (command, leg), count in Counter(keys).items():
        if count > 1:
            name = f"`{command}`" + (f" (leg {leg})" if leg else "")
            fetched = any(f.artifact for f in counted)
            why = "of one attempt" if rules.run and fetched else "in a folder, in which nothing tells the newest"
            reason = f"{count} files contain the evidence of {name} {why}; there can be only one."
            findings.append(problem("evidence-duplicate", Outcome.ERROR, reason))
    return findings


def _several_runs(counted: Sequence[Loaded], rules: Rules) -> list[Finding]:
    """Return a finding if evidence in a workflow run comes from several runs, and nothing names the right one."""
    runs = sorted({f.evidence.provenance.run_id for f in counted if f.evidence})
    if not rules.strict or rules.run is not None or len(runs) < 2:
        return []
    reason = f"The evidence comes from {len(runs)} runs ({', '.join(runs[:5])}), and one run is judged."
    return [problem("evidence-run", Outcome.ERROR, reason)]


def _out_of_order(counted: Sequence[Loaded], replaced: Sequence[Loaded]) -> list[Finding]:
    """Return a finding for each file that replaces one of an earlier attempt and was uploaded before it."""
    created = {_identity(f.evidence): f.created for f in counted if f.evidence}
    return [
        problem(
            "evidence-attempt",
            Outcome.ERROR,
            f"The file that replaces {old.file} claims a later attempt and was uploaded before it.",
        )
        for old in replaced
        if old.evidence and old.created and (new := created.get(_identity(old.evidence), "")) and new < old.created
    ]
