"""The report as JUnit XML, for tools that show test results: one case a finding, one suite an evidence file.

`fail` becomes a failure, `error` an error, `inconclusive` an error too (a tool must not count it as passed), `warn` a
pass with the warning in its output.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from ghmlops.core.model import Outcome
from ghmlops.report.content.placed_findings import evidence_label, format_value, place_findings
from ghmlops.report.text import numbers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.core.evidence.document import Evidence, Verdict
    from ghmlops.report.content.placed_findings import PlacedFinding

_NOT_XML = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LONGEST = 4000
_MISSING_CASE = "verdict"


def junit(verdict: Verdict, evidence: Sequence[Evidence]) -> str:
    """Return the XML document. Characters that XML cannot hold are replaced."""
    suites: dict[str, list[PlacedFinding]] = {}
    for placed in place_findings(verdict.findings, evidence):
        suites.setdefault(evidence_label(placed.command, placed.leg) or "evidence", []).append(placed)
    root = ElementTree.Element("testsuites", name=_clean(verdict.service or "ghmlops"))
    seconds = {evidence_label(e.command, e.leg): e.provenance.seconds for e in evidence}
    for name, held in suites.items():
        suite = _suite(root, name, [p.finding.outcome for p in held])
        if seconds.get(name) is not None:
            suite.set("time", f"{seconds[name]:.3f}")
        for placed in held:
            _case(suite, name, placed)
    if not suites:
        _nothing(root, verdict)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _suite(root: ElementTree.Element, name: str, outcomes: Sequence[Outcome]) -> ElementTree.Element:
    return ElementTree.SubElement(
        root,
        "testsuite",
        name=_clean(name),
        tests=str(len(outcomes)),
        failures=str(sum(o is Outcome.FAIL for o in outcomes)),
        errors=str(sum(o in (Outcome.ERROR, Outcome.INCONCLUSIVE) for o in outcomes)),
    )


def _case(suite: ElementTree.Element, source: str, placed: PlacedFinding) -> None:
    finding = placed.finding
    names = [finding.id]
    names += [finding.metric] if finding.metric.replace(".", "-") not in finding.id else []
    names += [f"data set {finding.dataset}"] if finding.dataset else []
    names += [f"{key}={format_value(value)}" for key, value in finding.slice.items()]
    names += [f"from {finding.window}"] if finding.window is not None else []
    case = ElementTree.SubElement(suite, "testcase", classname=_clean(source), name=_clean(" ".join(names)))
    told = [finding.reason]
    if finding.change is not None:
        told.append(f"change {numbers.change(finding)}, limit {numbers.limit(finding)}")
    if finding.n is not None:
        told.append(f"n = {numbers.count(finding.n)}")
    if finding.method:
        told.append(f"method: {finding.method}")
    _said(case, finding.outcome, finding.reason, "\n".join(told))


def _said(case: ElementTree.Element, outcome: Outcome, message: str, text: str) -> None:
    if outcome is Outcome.FAIL:
        inner = ElementTree.SubElement(case, "failure", message=_clean(message), type=outcome.value)
    elif outcome in (Outcome.ERROR, Outcome.INCONCLUSIVE):
        inner = ElementTree.SubElement(case, "error", message=_clean(message), type=outcome.value)
    else:
        inner = ElementTree.SubElement(case, "system-out")
        text = f"{outcome.value}: {text}"
    inner.text = _clean(text)


def _nothing(root: ElementTree.Element, verdict: Verdict) -> None:
    suite = _suite(root, "evidence", [Outcome.ERROR])
    case = ElementTree.SubElement(suite, "testcase", classname="evidence", name=_MISSING_CASE)
    _said(case, Outcome.INCONCLUSIVE, verdict.reason, verdict.reason)


def _clean(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text[:_LONGEST])
