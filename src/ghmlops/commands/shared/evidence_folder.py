"""Reads the evidence folder for the commands that judge: a missing folder is nothing measured, never a pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.errors import EvidenceError
from ghmlops.core.evidence.loaded import Loaded
from ghmlops.core.model import NotMeasured
from ghmlops.measure.evidence import MAX_FILES, load_folder

if TYPE_CHECKING:
    from pathlib import Path


def read_evidence_folder(folder: Path, name: str) -> tuple[list[Loaded], list[NotMeasured]]:
    """Return the files of `folder`, called `name` in messages, and what is missing.

    A folder in it is that of one artifact, as a download of several artifacts leaves it; its files are named
    `<artifact>/<file>`. A folder that does not exist contains nothing; one that cannot be read as an evidence folder is
    an unreadable file.
    """
    if not folder.exists():
        return [], [NotMeasured(what="everything", why=f"evidence folder {name} does not exist")]
    files = _load(folder, name)
    if not folder.is_dir():
        return files, []
    # A link is not followed, because it may lead anywhere; as a folder of an artifact it does not occur.
    artifacts = sorted(path for path in folder.iterdir() if path.is_dir() and not path.is_symlink())
    for artifact in artifacts[:MAX_FILES]:
        if not artifact.name.startswith("."):
            files += [file._replace(file=f"{artifact.name}/{file.file}") for file in _load(artifact, artifact.name)]
    return files, []


def _load(folder: Path, name: str) -> list[Loaded]:
    try:
        return load_folder(folder)
    except EvidenceError as error:
        return [Loaded(name, "", None, error.message)]
