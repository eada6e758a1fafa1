"""Writes evidence and verdict files."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

import msgspec

from ghmlops.act.files import write_atomically
from ghmlops.core.errors import InputError
from ghmlops.core.text.plain_name import evidence_file_name, is_plain_name

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ghmlops.core.evidence.document import Evidence, Verdict

COMPANIONS = ("hlog", "cases", "har")
"""File extensions of the companions of evidence: files with the same name in the same folder."""


def encode(document: Evidence | Verdict) -> bytes:
    """Return the bytes of the file: indented JSON, fields in the order of the types, with a trailing line break."""
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


def verdict_digest(verdict: Verdict) -> str:
    """Return the SHA-256 of a verdict without the time of its creation: the same evidence gives the same digest."""
    return hashlib.sha256(encode(msgspec.structs.replace(verdict, created=""))).hexdigest()


def evidence_name(command: str, leg: str) -> str:
    """Return the name of an evidence file: `<command>[-<leg>].json`.

    Raises:
        InputError: `leg` is not a plain name, so it could lead to another folder.
    """
    if leg and not is_plain_name(leg):
        raise InputError(
            f"input `leg`: {leg[:80]!r} is not a plain name", hint="use at most 64 letters, digits, `-`, `_` and `.`"
        )
    return evidence_file_name(command, leg)


def companion_name(command: str, leg: str, extension: str) -> str:
    """Return the name of a companion: `<command>[-<leg>].<extension>`.

    Raises:
        InputError: `leg` is not a plain name.
    """
    return evidence_name(command, leg).removesuffix("json") + extension


def evidence_files(folder: Path, command: str, leg: str) -> list[Path]:
    """Return the paths of an evidence file and of all its possible companions.

    Raises:
        InputError: `leg` is not a plain name.
    """
    companions = (companion_name(command, leg, extension) for extension in COMPANIONS)
    return [folder / name for name in (evidence_name(command, leg), *companions)]


def remove_evidence(folder: Path, command: str, leg: str) -> None:
    """Remove the evidence of an earlier run, with its companions.

    Raises:
        InputError: A file cannot be removed, or `leg` is not a plain name.
    """
    for path in evidence_files(folder, command, leg):
        remove_file(path)


def check_writable(folder: Path, command: str, leg: str) -> None:
    """Check before a long measurement that its evidence can be written.

    Raises:
        InputError: `leg` is not a plain name, or `folder` is not a folder or not writable.
    """
    evidence_name(command, leg)
    try:
        existing = next(path for path in (folder, *folder.parents) if path.exists())
        usable = existing.is_dir() and os.access(existing, os.W_OK | os.X_OK)
    except OSError:
        usable = False
    if not usable:
        raise InputError(f"input `evidence-dir`: cannot write to {folder}", hint="choose a writable folder")


def write_evidence(folder: Path, evidence: Evidence, companions: Mapping[str, bytes] | None = None) -> Path:
    """Write one evidence file with its companions, and return its path.

    Companions are written before the evidence, so that existing evidence is always complete. A companion of an earlier
    run that this evidence does not have is removed, because it would belong to other evidence.

    Args:
        folder: The evidence folder, which is created if it does not exist.
        evidence: The evidence.
        companions: Content of the companions, by file extension.

    Raises:
        InputError: The folder is not writable.
    """
    path = folder / evidence_name(evidence.command, evidence.leg)
    for extension in COMPANIONS:
        companion = folder / companion_name(evidence.command, evidence.leg, extension)
        if companions and extension in companions:
            write_atomically(companion, companions[extension])
        else:
            remove_file(companion)
    return write_atomically(path, encode(evidence))


def remove_file(path: Path) -> None:
    """Remove a file of an earlier run; there may be none.

    Raises:
        InputError: It cannot be removed.
    """
    try:
        path.unlink()
    except (FileNotFoundError, NotADirectoryError):
        # A folder that is not one is reported when the evidence is written.
        return
    except OSError as error:
        raise InputError(
            f"cannot remove {path.name} of an earlier run: {error.strerror}", hint="remove it, and run the step again"
        ) from None
