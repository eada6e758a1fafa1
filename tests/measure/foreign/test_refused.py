"""Formats that are refused by name, with what to import instead."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from foreign_results import SAMPLES, read_text
from ghmlops.core.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

GATLING = b"\x00\x00\x00\x00\x063.11.5\x00" + b"\x01" * 40


@pytest.mark.parametrize("tool", ["", "vegeta", "hdr"])
@pytest.mark.parametrize(
    ("content", "name", "command"),
    [
        ((SAMPLES / "vegeta-hdrplot.txt").read_bytes(), "hdrplot", "vegeta encode --to json"),
        ((SAMPLES / "vegeta-results.bin").read_bytes(), "gob", "vegeta encode --to json"),
        (GATLING, "Gatling", "stats.json"),
    ],
    ids=["hdrplot", "gob", "gatling"],
)
def test_refused_formats(tmp_path: Path, content: bytes, name: str, command: str, tool: str) -> None:
    """The message names the format and the hint the command that converts it, whatever tool is named."""
    with pytest.raises(DataError, match=name) as caught:
        read_text(tmp_path, content, tool=tool)
    assert command in caught.value.hint
