"""Files of other tools that are refused by name, because they lack what a judgement needs or are not text."""

from __future__ import annotations

import re
from typing import NamedTuple

from ghmlops.core.errors import DataError


class RefusedFormat(NamedTuple):
    """A file format that is not read, and what to import instead."""

    start: re.Pattern[bytes]
    """Matches the beginning of such a file."""
    problem: str
    hint: str


REFUSED = (
    RefusedFormat(
        re.compile(rb"\s*Value\(ms\)\s+Percentile\s+TotalCount\s+1/\(1-Percentile\)"),
        "a histogram plot of vegeta (hdrplot), which interpolates between estimates and does not count failures",
        "import the results: `vegeta encode --to json results.bin`, or `vegeta report -type=json results.bin`",
    ),
    RefusedFormat(
        re.compile(rb"[\s\S]{0,16}\x06Result\x01[\s\S]{0,64}Attack\x01[\s\S]{0,64}Seq\x01"),
        "binary results of vegeta (gob)",
        "convert them: `vegeta encode --to json results.bin > results.jsonl`",
    ),
    RefusedFormat(
        re.compile(rb"\x00\x00\x00\x00[\x05-\x14][0-9]\.[0-9]{1,3}\.[0-9]"),
        "a binary simulation.log of Gatling (3.11 or later)",
        "import `js/stats.json` of its report",
    ),
)
"""The formats that are refused by name."""


def refuse_by_name(head: bytes, display_name: str) -> None:
    """Refuse a file whose format is known and not supported.

    Raises:
        DataError: The file has such a format.
    """
    for entry in REFUSED:
        if entry.start.match(head):
            raise DataError(f"{display_name}: {entry.problem}", hint=entry.hint)
