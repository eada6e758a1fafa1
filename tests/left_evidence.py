"""What a command that could not judge leaves in the evidence folder."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def left_error(folder: Path, name: str) -> str:
    """Assert that the only evidence is the file `name` with the outcome `error`; return its reason code."""
    assert [path.name for path in folder.iterdir()] == [name]
    evidence = json.loads((folder / name).read_text(encoding="utf-8"))
    assert evidence["outcome"] == "error"
    assert {finding["outcome"] for finding in evidence["findings"]} == {"error"}
    return str(evidence["reason_code"])
