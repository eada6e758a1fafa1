"""Reads JMeter's results as XML (`jmeter.save.saveservice.output_format=xml`)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING
from xml.parsers import expat  # nosec B406  (document type declarations are refused)

from ghmlops.core.errors import DataError
from ghmlops.measure.foreign.bounded_json import MAX_MS
from ghmlops.measure.foreign.rows.jmeter_samples import TRANSACTION, JMeterSamples

if TYPE_CHECKING:
    from ghmlops.core.latency.external_results import ExternalResults
    from ghmlops.measure.foreign.supplement import Supplement

_HINT = "check that the file is complete and from JMeter"
_SAMPLES = ("httpSample", "sample")


def recognises(head: bytes) -> bool:
    """Return whether the file is XML with JMeter's root element."""
    return head.lstrip()[:1] == b"<" and b"<testResults" in head[:1000]


def read(data: bytes, supplement: Supplement) -> ExternalResults:
    """Read all samples that are not part of another request.

    Raises:
        DataError: The file is not complete XML of JMeter, declares a document type, or contains no request.
    """
    supplement.require_unset("jmeter-xml")
    reader = _Reader(JMeterSamples(supplement))
    parser = expat.ParserCreate()
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.StartDoctypeDeclHandler = _refuse_doctype
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise DataError(f"the file of JMeter is not complete XML: {error}", hint=_HINT) from None
    return reader.samples.results("jmeter-xml")


def _refuse_doctype(*_declaration: object) -> None:
    raise DataError("the file of JMeter declares a document type", hint="JMeter writes none: the file was edited")


class _Reader:
    """Handles the elements of the document; `_within` has one entry per open sample: whether it is a request."""

    def __init__(self, samples: JMeterSamples) -> None:
        self.samples = samples
        self._within: list[bool] = []

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Handle the start of an element."""
        if name not in _SAMPLES:
            return
        transaction = attributes.get("rm", "").startswith(TRANSACTION)
        if transaction or any(self._within):
            self.samples.parts += 1
        else:
            self._add(attributes)
        self._within.append(not transaction)

    def end(self, name: str) -> None:
        """Handle the end of an element."""
        if name in _SAMPLES:
            self._within.pop()

    def _add(self, attributes: dict[str, str]) -> None:
        try:
            elapsed = float(attributes["t"])
        except (KeyError, ValueError):
            elapsed = math.nan
        if not 0 <= elapsed <= MAX_MS or attributes.get("s") not in ("true", "false"):
            raise DataError("a sample of JMeter has no valid time `t` or success `s`", hint=_HINT)
        self.samples.add(
            elapsed, success=attributes["s"] == "true", code=attributes.get("rc", ""), label=attributes.get("lb", "")
        )
