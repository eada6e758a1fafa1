"""Writing evidence and verdict files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ghmlops.act.files import write_atomically

if TYPE_CHECKING:
    from pathlib import Path

    from ghmlops.core.model import Evidence, Verdict


def encode(value: Evidence | Verdict) -> bytes:
    """Return the file's bytes: indented JSON in the order of the types, with a newline at the end."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"


def evidence_name(command: str, leg: str) -> str:
    """Return `<command>[-<leg>].json`."""
    return f"{command}-{leg}.json" if leg else f"{command}.json"


def write_evidence(folder: Path, evidence: Evidence) -> Path:
    """Write one evidence file and return its path.

    Raises:
        InputError: the folder cannot be written to.
    """
    return write_atomically(folder / evidence_name(evidence.command, evidence.leg), encode(evidence))
