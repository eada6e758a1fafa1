"""A damaged Parquet file gives one clear error or the right result: never a traceback, never another result."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

import prediction_artifacts as artifacts
from ghmlops.core.errors import GhmlopsError
from ghmlops.core.predictions.judgement import judge_observations
from ghmlops.measure.predictions.artifacts.source import Source
from thoroughness import part

if TYPE_CHECKING:
    from pathlib import Path

    from ghmlops.core.model import Finding

N = 40
POSITIONS = 100


def _findings(folder: Path) -> list[Finding]:
    sources = {role: Source.of(folder / f"{role}.parquet", role) for role in ("baseline", "candidate")}
    return judge_observations([artifacts.observe(sources, artifacts.BINARY)], artifacts.BINARY).findings


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with both artifacts, with page checksums."""
    for role, seed in (("baseline", 1), ("candidate", 2)):
        content = artifacts.rows(N, seed)
        artifacts.write(tmp_path / f"{role}.parquet", content, write_page_checksum=True, compression="snappy")
    return tmp_path


def _outcome(folder: Path, data: bytes) -> str:
    """Return `error`, or the outcomes of the findings with the candidate's bytes."""
    (folder / "candidate.parquet").write_bytes(data)
    try:
        return repr(_findings(folder))
    except GhmlopsError:
        return "error"


@pytest.mark.parametrize("flip", part([0x01, 0x80, 0xFF]))
def test_a_flipped_byte_is_an_error_or_changes_nothing(folder: Path, flip: int) -> None:
    """Bytes over the whole file, the footer densely: one error of this project, or a result."""
    original = (folder / "candidate.parquet").read_bytes()
    footer = int.from_bytes(original[-8:-4], "little")
    positions = np.unique(
        np.concatenate(
            [
                np.linspace(0, len(original) - 1, POSITIONS // 2).astype(int),
                np.linspace(len(original) - 8 - footer, len(original) - 1, POSITIONS // 2).astype(int),
            ]
        )
    )
    for position in positions:
        data = bytearray(original)
        data[position] ^= flip
        _outcome(folder, bytes(data))


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.6, 0.9, 0.999])
def test_a_truncated_or_zeroed_file_is_an_error(folder: Path, share: float) -> None:
    """The end is missing, the end is zero, or a part in the middle is zero."""
    original = (folder / "candidate.parquet").read_bytes()
    size = int(share * len(original))
    assert _outcome(folder, original[:size]) == "error"
    assert _outcome(folder, original[:size] + bytes(len(original) - size)) == "error"
    middle = original[:size] + bytes(64) + original[size + 64 :]
    assert len(_outcome(folder, middle)) > 0
