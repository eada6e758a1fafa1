"""Writing evidence and verdict files."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import msgspec

from ghmlops.act.files import write_atomically
from ghmlops.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ghmlops.core.evidence.document import Evidence, Verdict

COMPANIONS = ("hlog",)
"""Endings of the files that may lie beside evidence."""
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


def check_writable(folder: Path, command: str, leg: str) -> None:
    """Find out before a long measurement whether its evidence could be written.

    Raises:
        InputError: `leg` is not a plain name, or the folder is none or cannot be written to.
    """
    evidence_name(command, leg)
    try:
        there = next(path for path in (folder, *folder.parents) if path.exists())
        usable = there.is_dir() and os.access(there, os.W_OK | os.X_OK)
    except OSError:
        usable = False
    if not usable:
        raise InputError(
            f"input `evidence-dir`: cannot write to {folder}", hint="choose a folder that can be written to"
        )


def write_evidence(folder: Path, evidence: Evidence, companions: Mapping[str, bytes] | None = None) -> Path:
    """Write one evidence file and return its path.

    `companions` are written first, by their endings (`hlog`) beside it, so that evidence that is there is whole. One of
    an earlier run that this one does not have is taken away: it would belong to other evidence.

    Raises:
        InputError: the folder cannot be written to.
    """
    path = folder / evidence_name(evidence.command, evidence.leg)
    for ending in COMPANIONS:
        beside = folder / companion_name(evidence.command, evidence.leg, ending)
        if companions and ending in companions:
            write_atomically(beside, companions[ending])
        else:
            _take_away(beside)
    return write_atomically(path, encode(evidence))


def _take_away(path: Path) -> None:
    try:
        path.unlink()
    except (FileNotFoundError, NotADirectoryError):
        return  # a folder that is none is told where the evidence is written
    except OSError as error:
        raise InputError(
            f"cannot remove {path.name}, which is of an earlier run: {error.strerror}", hint="remove it, and run again"
        ) from None
