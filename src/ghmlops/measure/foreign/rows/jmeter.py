"""Reads JMeter's results as CSV (`jmeter -n -l results.jtl`)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ghmlops.core.errors import DataError
from ghmlops.measure.foreign.bounded_json import MAX_MS
from ghmlops.measure.foreign.rows.csv_rows import number, read_rows
from ghmlops.measure.foreign.rows.jmeter_samples import TRANSACTION, JMeterSamples

if TYPE_CHECKING:
    from ghmlops.core.latency.external_results import ExternalResults
    from ghmlops.measure.foreign.supplement import Supplement

_PART = re.compile(r"(.+?)(?:-\d{1,6})+")
"""Label of a part of a sample: that of the sample and a number from 0."""


def recognises(head: bytes) -> bool:
    """Return whether the first line is the header of JMeter."""
    first = head.removeprefix(b"\xef\xbb\xbf").split(b"\n", 1)[0]
    return first.startswith(b"timeStamp,elapsed,") and b"success" in first


def read(data: bytes, supplement: Supplement) -> ExternalResults:
    """Read all samples.

    Raises:
        DataError: The file is truncated or was not written by JMeter, or contains no request.
    """
    supplement.require_unset("jmeter")
    columns = ("elapsed", "label", "responseCode", "success")
    labels = {row["label"] for _, row in read_rows(data, "JMeter", columns)}
    samples = JMeterSamples(supplement)
    for line, row in read_rows(data, "JMeter", columns):
        elapsed = number(row, "elapsed", line, MAX_MS)
        if row["success"] not in ("true", "false"):
            raise DataError(f"`success` in line {line} is neither true nor false", hint="the file was edited")
        part = _PART.fullmatch(row["label"])
        if (part and {part[1], f"{part[1]}-0"} <= labels) or row.get("responseMessage", "").startswith(TRANSACTION):
            samples.parts += 1
            continue
        samples.add(elapsed, success=row["success"] == "true", code=row["responseCode"], label=row["label"])
    return samples.results("jmeter")
