"""The report as JUnit XML, for tools that show test results: one suite per evidence file, one case per finding.

`fail` is a failure; `error` and `inconclusive` are errors, because a tool must not count them as passed; `warn` is a
passed case with the warning in its output.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from ghmlops.core.model import Finding, Outcome
from ghmlops.core.policy.targets import scope_words
from ghmlops.core.verdict.problems import DOCS
from ghmlops.report.content.placed_findings import evidence_label, format_value, place_findings
from ghmlops.report.text import numbers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.core.evidence.document import Evidence, Verdict

_NOT_XML = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_MAX_TEXT = 4000
"""Characters of an attribute or a text."""
_NO_CASE = "verdict"
"""Name of the case of a report without findings."""


def junit(verdict: Verdict, evidence: Sequence[Evidence]) -> str:
    """Return the XML document. Characters that XML does not allow become U+FFFD."""
    suites: dict[str, list[Finding]] = {}
    for case in place_findings(verdict.findings, evidence):
        suites.setdefault(evidence_label(case.command, case.leg) or "evidence", []).append(case.finding)
    if not suites:  # A file without cases would count as passed.
        outcome, reason = Outcome.INCONCLUSIVE, verdict.reason
        suites["evidence"] = [Finding(id=_NO_CASE, metric=_NO_CASE, outcome=outcome, reason=reason, docs=DOCS)]
    seconds = {evidence_label(e.command, e.leg): e.provenance.seconds for e in evidence}
    root = Element("testsuites", name=_clean(verdict.service or "ghmlops"))
    for name, findings in suites.items():
        _add_suite(root, _clean(name), findings, seconds.get(name))
    indent(root)
    return tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _add_suite(root: Element, name: str, findings: Sequence[Finding], seconds: float | None) -> None:
    failures = sum(finding.outcome is Outcome.FAIL for finding in findings)
    errors = sum(finding.outcome in (Outcome.ERROR, Outcome.INCONCLUSIVE) for finding in findings)
    counts = {"tests": str(len(findings)), "failures": str(failures), "errors": str(errors)}
    time = {} if seconds is None else {"time": f"{seconds:.3f}"}
    suite = SubElement(root, "testsuite", {"name": name, **counts, **time})
    for finding in findings:
        _add_result(SubElement(suite, "testcase", classname=name, name=_clean(_case_name(finding))), finding)


def _case_name(finding: Finding) -> str:
    names = [finding.id]
    names += [finding.metric] if finding.metric.replace(".", "-") not in finding.id else []
    names += [scope_words(finding.dataset)] if finding.dataset else []
    names += [f"{key}={format_value(value)}" for key, value in finding.slice.items()]
    names += [f"from {finding.window}"] if finding.window is not None else []
    return " ".join(names)


def _add_result(case: Element, finding: Finding) -> None:
    outcome, lines = finding.outcome, [finding.reason]
    if finding.change is not None:
        lines.append(f"change {numbers.change(finding)}, limit {numbers.limit(finding)}")
    if finding.n is not None:
        lines.append(f"n = {numbers.count(finding.n)}")
    if finding.method:
        lines.append(f"method: {finding.method}")
    text = "\n".join(lines)
    if outcome in (Outcome.PASS, Outcome.WARN):
        SubElement(case, "system-out").text = _clean(f"{outcome.value}: {text}")
        return
    tag = "failure" if outcome is Outcome.FAIL else "error"
    SubElement(case, tag, message=_clean(finding.reason), type=outcome.value).text = _clean(text)


def _clean(text: str) -> str:
    text = text[:_MAX_TEXT]
    # Every printable character is allowed; the search for the others takes ten times as long.
    return text if text.replace("\n", " ").isprintable() else _NOT_XML.sub("\ufffd", text)
