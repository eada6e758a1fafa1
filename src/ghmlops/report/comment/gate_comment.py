"""The comment of the gate on a pull request: what waits for a person and how to decide it, or who let it through."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ghmlops.core.model import Outcome
from ghmlops.report.text import numbers
from ghmlops.report.text.escape import code, markdown, safe_url

if TYPE_CHECKING:
    from ghmlops.core.evidence.document import Verdict
    from ghmlops.core.model import Finding

MAX_ROWS = 15
"""Findings and files that are listed; the verdict contains all of them."""


class GateFacts(NamedTuple):
    """What the gate knows besides its verdict."""

    decision: str
    """`allowed`, `hold` or `refused`."""
    run_url: str = ""
    workflow: str = ""
    """Name of the workflow that gates; may be empty."""
    evidence_run: str = ""
    """Id of the run that measured; may be empty."""
    deciders: str = ""
    """Who may override, as it is named in a sentence."""


def gate_marker(service: str, environment: str) -> str:
    """Return the hidden line that identifies the comment of a service and environment; neither can end the line."""
    names = ("".join(c if c.isalnum() or c in "._-" else "_" for c in name) for name in (service, environment))
    return "<!-- ghmlops:gate service={} environment={} -->".format(*names)


def gate_markdown(verdict: Verdict, facts: GateFacts) -> str:
    """Return the text about a decision, for the job summary and, after the marker, the comment.

    Args:
        verdict: The verdict.
        facts: Decision and run.
    """
    commit, environment = code(verdict.commit[:12]), code(verdict.environment, 100)
    run = f" ([run]({url}))" if (url := safe_url(facts.run_url)) else ""
    reason = markdown(verdict.reason, 600)
    if facts.decision != "hold":
        state = "may be deployed" if facts.decision == "allowed" else "is not deployed"
        return f"### {commit} {state} to {environment}\n\n{reason}{run}\n"
    lines = [f"### {commit} waits for a decision: {environment} is on hold", "", f"{reason}{run}", ""]
    return "\n".join([*lines, *_evidence(verdict), *_findings(verdict), *_options(verdict, facts)]) + "\n"


def _evidence(verdict: Verdict) -> list[str]:
    rows = [
        f"{code(file.file, 100)} {file.outcome.value if file.outcome else 'not read'}"
        for file in verdict.evidence[:MAX_ROWS]
    ]
    listed = " · ".join(rows) or "none that can be read"
    return [f"Evidence: {listed}.", ""]


def _findings(verdict: Verdict) -> list[str]:
    """Return the findings that are not a pass, with their change and limit, the worst first."""
    rows = sorted(
        (f for f in verdict.findings if f.outcome is not Outcome.PASS), key=lambda f: f.outcome.severity, reverse=True
    )
    lines = ["| finding | outcome | change | limit | reason |", "| --- | --- | --- | --- | --- |"]
    lines += [_row(finding) for finding in rows[:MAX_ROWS]]
    if more := len(rows) - MAX_ROWS:
        lines += ["", f"{more} more findings are in the verdict."] if more > 0 else []
    not_measured = [f"- {markdown(item.what, 80)}: {markdown(item.why, 200)}" for item in verdict.not_measured[:5]]
    return [*lines, "", *(["Not measured:", "", *not_measured, ""] if not_measured else [])]


def _row(finding: Finding) -> str:
    change = markdown(numbers.change(finding), 80) if finding.change else numbers.MISSING
    limit = markdown(numbers.limit(finding), 60) or numbers.MISSING
    name = code(finding.id, 60)
    return f"| {name} | {finding.outcome.value} | {change} | {limit} | {markdown(finding.reason, 300)} |"


def _options(verdict: Verdict, facts: GateFacts) -> list[str]:
    """Return what a person can do, each with what to paste."""
    run = f", `run-id: {facts.evidence_run}`" if facts.evidence_run.isdecimal() else ""
    workflow = f" {code(facts.workflow, 80)}" if facts.workflow else ""
    lines = [
        "What a person can do:",
        "",
        "- **Measure again**, if more data may decide it: re-run all jobs of the run.",
    ]
    if verdict.outcome is Outcome.INCONCLUSIVE:
        lines += [
            f"- **Let it through**: start the workflow{workflow} by hand with `commit: {verdict.commit}`{run} and an "
            f"`override-reason`. {facts.deciders[:1].upper()}{facts.deciders[1:]} may; reason and name are recorded."
        ]
    else:
        lines += ["- **Let it through**: run the gate without `fail-on: warn`."]
    return [*lines, "- **Keep it closed**: do nothing; the next decision about the environment replaces this one."]
