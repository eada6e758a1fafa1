"""The report as JUnit XML, for tools that show test results: one suite per evidence file, one case per finding.

`fail` is a failure; `error` and `inconclusive` are errors, because a tool must not count them as passed; `warn` is a
passed case with the warning in its output.
"""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

from ghmlops.core.model import Finding, Outcome
from ghmlops.core.policy.targets import scope_words
from ghmlops.core.verdict.problems import DOCS
from ghmlops.report.content.placed_findings import evidence_label, format_value, place_findings
from ghmlops.report.text import numbers

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ghmlops.core.evidence.document import Evidence, Verdict

_NOT_XML = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_MAX_TEXT = 4000
"""Characters of an attribute or a text."""
_NO_CASE = "verdict"
"""Name of the case of a report without findings."""


def junit(verdict: Verdict, evidence: Sequence[Evidence]) -> str:
    """Return the XML document. Characters that XML does not allow become U+FFFD."""
    return "".join(f"{line}\n" for line in _lines(verdict, evidence))


def _lines(verdict: Verdict, evidence: Sequence[Evidence]) -> Iterator[str]:
    suites: dict[str, list[Finding]] = {}
    for case in place_findings(verdict.findings, evidence):
        suites.setdefault(evidence_label(case.command, case.leg) or "evidence", []).append(case.finding)
    if not suites:  # A file without cases would count as passed.
        outcome, reason = Outcome.INCONCLUSIVE, verdict.reason
        suites["evidence"] = [Finding(id=_NO_CASE, metric=_NO_CASE, outcome=outcome, reason=reason, docs=DOCS)]
    seconds = {evidence_label(e.command, e.leg): e.provenance.seconds for e in evidence}
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield f'<testsuites name="{_attribute(verdict.service or "ghmlops")}">'
    for name, findings in suites.items():
        yield from _suite(_attribute(name), findings, seconds.get(name))
    yield "</testsuites>"


def _suite(name: str, findings: Sequence[Finding], seconds: float | None) -> Iterator[str]:
    failures = sum(finding.outcome is Outcome.FAIL for finding in findings)
    errors = sum(finding.outcome in (Outcome.ERROR, Outcome.INCONCLUSIVE) for finding in findings)
    time = "" if seconds is None else f' time="{seconds:.3f}"'
    yield f'  <testsuite name="{name}" tests="{len(findings)}" failures="{failures}" errors="{errors}"{time}>'
    for finding in findings:
        yield f'    <testcase classname="{name}" name="{_attribute(_case_name(finding))}">'
        yield f"      {_result(finding)}"
        yield "    </testcase>"
    yield "  </testsuite>"


def _case_name(finding: Finding) -> str:
    names = [finding.id]
    names += [finding.metric] if finding.metric.replace(".", "-") not in finding.id else []
    names += [scope_words(finding.dataset)] if finding.dataset else []
    names += [f"{key}={format_value(value)}" for key, value in finding.slice.items()]
    names += [f"from {finding.window}"] if finding.window is not None else []
    return " ".join(names)


def _result(finding: Finding) -> str:
    outcome, lines = finding.outcome, [finding.reason]
    if finding.change is not None:
        lines.append(f"change {numbers.change(finding)}, limit {numbers.limit(finding)}")
    if finding.n is not None:
        lines.append(f"n = {numbers.count(finding.n)}")
    if finding.method:
        lines.append(f"method: {finding.method}")
    text = "\n".join(lines)
    if outcome in (Outcome.PASS, Outcome.WARN):
        return f"<system-out>{_text(f'{outcome.value}: {text}')}</system-out>"
    tag = "failure" if outcome is Outcome.FAIL else "error"
    return f'<{tag} message="{_attribute(finding.reason)}" type="{outcome.value}">{_text(text)}</{tag}>'


def _attribute(text: str) -> str:
    """Escape for the value of an attribute, which would lose line breaks and tabs."""
    escaped = _text(text).replace('"', "&quot;")
    return escaped.replace("\r", "&#13;").replace("\n", "&#10;").replace("\t", "&#09;")


def _text(text: str) -> str:
    text = text[:_MAX_TEXT]
    # Every printable character is allowed; the search for the others takes ten times as long.
    allowed = text if text.replace("\n", " ").isprintable() else _NOT_XML.sub("\ufffd", text)
    return html.escape(allowed, quote=False)
