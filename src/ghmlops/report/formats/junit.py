"""The report as JUnit XML, for tools that show test results: one suite per evidence file, one case per finding.

`fail` is a failure; `error` and `inconclusive` are errors, because a tool must not count them as passed; `warn` is a
passed case with the warning in its output.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from ghmlops.core.model import Outcome
from ghmlops.core.policy.targets import scope_words
from ghmlops.report.content.placed_findings import evidence_label, format_value, place_findings
from ghmlops.report.text import numbers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.core.evidence.document import Evidence, Verdict
    from ghmlops.core.model import Finding
    from ghmlops.report.content.placed_findings import PlacedFinding

_NOT_XML = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_MAX_TEXT = 4000
"""Characters of an attribute or a text."""
_MISSING_CASE = "verdict"


def junit(verdict: Verdict, evidence: Sequence[Evidence]) -> str:
    """Return the XML document. Characters that XML does not allow become U+FFFD."""
    suites: dict[str, list[PlacedFinding]] = {}
    for case in place_findings(verdict.findings, evidence):
        suites.setdefault(evidence_label(case.command, case.leg) or "evidence", []).append(case)
    root = ElementTree.Element("testsuites", name=_clean(verdict.service or "ghmlops"))
    seconds = {evidence_label(e.command, e.leg): e.provenance.seconds for e in evidence}
    for name, cases in suites.items():
        suite = _add_suite(root, name, [case.finding.outcome for case in cases])
        if seconds.get(name) is not None:
            suite.set("time", f"{seconds[name]:.3f}")
        for case in cases:
            _add_case(suite, name, case.finding)
    if not suites:
        _add_missing(root, verdict)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _add_suite(root: ElementTree.Element, name: str, outcomes: Sequence[Outcome]) -> ElementTree.Element:
    return ElementTree.SubElement(
        root,
        "testsuite",
        name=_clean(name),
        tests=str(len(outcomes)),
        failures=str(sum(o is Outcome.FAIL for o in outcomes)),
        errors=str(sum(o in (Outcome.ERROR, Outcome.INCONCLUSIVE) for o in outcomes)),
    )


def _add_case(suite: ElementTree.Element, source: str, finding: Finding) -> None:
    names = [finding.id]
    names += [finding.metric] if finding.metric.replace(".", "-") not in finding.id else []
    names += [scope_words(finding.dataset)] if finding.dataset else []
    names += [f"{key}={format_value(value)}" for key, value in finding.slice.items()]
    names += [f"from {finding.window}"] if finding.window is not None else []
    case = ElementTree.SubElement(suite, "testcase", classname=_clean(source), name=_clean(" ".join(names)))
    lines = [finding.reason]
    if finding.change is not None:
        lines.append(f"change {numbers.change(finding)}, limit {numbers.limit(finding)}")
    if finding.n is not None:
        lines.append(f"n = {numbers.count(finding.n)}")
    if finding.method:
        lines.append(f"method: {finding.method}")
    _add_result(case, finding.outcome, finding.reason, "\n".join(lines))


def _add_result(case: ElementTree.Element, outcome: Outcome, message: str, text: str) -> None:
    if outcome is Outcome.FAIL:
        inner = ElementTree.SubElement(case, "failure", message=_clean(message), type=outcome.value)
    elif outcome in (Outcome.ERROR, Outcome.INCONCLUSIVE):
        inner = ElementTree.SubElement(case, "error", message=_clean(message), type=outcome.value)
    else:
        inner = ElementTree.SubElement(case, "system-out")
        text = f"{outcome.value}: {text}"
    inner.text = _clean(text)


def _add_missing(root: ElementTree.Element, verdict: Verdict) -> None:
    """Add a case with an error, because a file without cases would count as passed."""
    suite = _add_suite(root, "evidence", [Outcome.ERROR])
    case = ElementTree.SubElement(suite, "testcase", classname="evidence", name=_MISSING_CASE)
    _add_result(case, Outcome.INCONCLUSIVE, verdict.reason, verdict.reason)


def _clean(text: str) -> str:
    text = text[:_MAX_TEXT]
    # Every printable character is allowed; the search for the others takes ten times as long.
    return text if text.replace("\n", " ").isprintable() else _NOT_XML.sub("\ufffd", text)
