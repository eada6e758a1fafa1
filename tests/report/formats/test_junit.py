"""The report as JUnit XML: suites, cases, and how outcomes are counted."""

from __future__ import annotations

from xml.etree import ElementTree

import msgspec
import pytest

from ghmlops.core.model import Outcome
from ghmlops.report.formats.junit import junit
from report import samples


@pytest.mark.parametrize(
    ("outcome", "tag", "failures", "errors"),
    [
        (Outcome.PASS, "system-out", "0", "0"),
        (Outcome.WARN, "system-out", "0", "0"),
        (Outcome.FAIL, "failure", "1", "0"),
        (Outcome.INCONCLUSIVE, "error", "0", "1"),
        (Outcome.ERROR, "error", "0", "1"),
    ],
)
def test_outcomes_are_counted(outcome: Outcome, tag: str, failures: str, errors: str) -> None:
    """Only `pass` and `warn` count as passed."""
    file = samples.evidence("latency", [samples.objective(outcome, 129.4)])
    root = ElementTree.fromstring(junit(samples.merged(file), [file]))  # noqa: S314  (written by this package)
    suite = next(suite for suite in root if suite.get("name") == "latency")
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("1", failures, errors)
    assert [result.tag for result in suite[0]] == [tag]


def test_a_report_without_findings_has_an_error() -> None:
    """A file without cases would count as passed."""
    root = ElementTree.fromstring(junit(samples.merged(), []))  # noqa: S314  (written by this package)
    assert sum(int(suite.get("errors", "0")) for suite in root) >= 1
    assert root.find(".//error") is not None


def test_characters_that_xml_does_not_allow_are_replaced() -> None:
    """A control character in the name of a service becomes U+FFFD."""
    verdict = msgspec.structs.replace(samples.merged(), service="a\x00b\ud800")
    root = ElementTree.fromstring(junit(verdict, []))  # noqa: S314  (written by this package)
    assert root.get("name") == "a\ufffdb\ufffd"
