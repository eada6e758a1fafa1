"""Writing evidence and verdict files."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from ghmlops.act.files import write_atomically
from ghmlops.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ghmlops.core.model import Evidence, Verdict

_LEG = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def encode(value: Evidence | Verdict) -> bytes:
    """Return the file's bytes: indented JSON in the order of the types, with a newline at the end."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"


def evidence_name(command: str, leg: str) -> str:
    """Return `<command>[-<leg>].json`.

    Raises:
        InputError: `leg` is not a plain name; it must not reach another folder.
    """
    if leg and not _LEG.fullmatch(leg):
        raise InputError(
            f"input `leg`: {leg[:80]!r} is not a plain name", hint="use at most 64 letters, digits, `-`, `_` and `.`"
        )
    return f"{command}-{leg}.json" if leg else f"{command}.json"


def companion_name(command: str, leg: str, ending: str) -> str:
    """Return the name of a file that lies beside the evidence: `<command>[-<leg>].<ending>`.

    Raises:
        InputError: as `evidence_name`.
    """
    return evidence_name(command, leg).removesuffix("json") + ending


def write_evidence(folder: Path, evidence: Evidence, companions: Mapping[str, bytes] | None = None) -> Path:
    """Write one evidence file and return its path.

    `companions` are written first, by their endings (`hlog`) beside it, so that evidence that is there is whole.

    Raises:
        InputError: the folder cannot be written to.
    """
    path = folder / evidence_name(evidence.command, evidence.leg)
    for ending, content in (companions or {}).items():
        write_atomically(folder / companion_name(evidence.command, evidence.leg, ending), content)
    return write_atomically(path, encode(evidence))
