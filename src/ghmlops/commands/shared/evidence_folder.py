"""Reads the evidence folder for the commands that judge: a missing folder is nothing measured, never a pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.errors import EvidenceError
from ghmlops.core.evidence.loaded import Loaded
from ghmlops.core.model import NotMeasured
from ghmlops.measure.evidence import load_folder

if TYPE_CHECKING:
    from pathlib import Path


def read_evidence_folder(folder: Path, name: str) -> tuple[list[Loaded], list[NotMeasured]]:
    """Return the files of `folder`, called `name` in messages, and what is missing.

    A folder that does not exist contains nothing; one that cannot be read as an evidence folder is an unreadable file.
    """
    try:
        return load_folder(folder), []
    except EvidenceError as error:
        if folder.exists():
            return [Loaded(name, "", None, error.message)], []
        return [], [NotMeasured(what="everything", why=f"evidence folder {name} does not exist")]
