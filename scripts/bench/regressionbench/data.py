"""Sizes, columns and paths of the artifacts, and the correct result of a diff.

Imported by the benchmark itself and therefore without NumPy: the peak memory of a child starts at that of its parent.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

SIDES = ("baseline", "candidate")
COLUMNS = ("id", "clicked", "p_click", "y_pred", "event_time", "device", "country", "plan")
"""The eight of fourteen columns that the policy names. Our diff reads all, for the fingerprint of the content."""
SLICES = (("device",), ("country",), ("plan",), ("device", "country"))
MINIMUM_ROWS = 200
"""Minimum paired rows of a judged slice or window, the default of a policy."""
CHANGED_KEYS = 1000
"""One in this number of keys is missing from the candidate, and as many keys are new."""
_WORDS = {"k": 1000, "M": 1_000_000}

Facts = Mapping[str, float]
"""Result of a diff; the names are those of `generate.truth`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """Size of the generated artifacts.

    Attributes:
        rows: Rows per side.
        files: Files per side; an artifact of one file is a file, otherwise a folder.
        seed: Seed of values and orders.
    """

    rows: int
    files: int = 8
    seed: int = 2026

    @property
    def changed(self) -> int:
        """Number of keys that only the baseline has, and of keys that only the candidate has."""
        return self.rows // CHANGED_KEYS

    @property
    def name(self) -> str:
        """Name of the size: `10M`, `20k` or the number."""
        for word, unit in sorted(_WORDS.items(), key=lambda pair: -pair[1]):
            if self.rows % unit == 0:
                return f"{self.rows // unit}{word}"
        return str(self.rows)


def rows_of(text: str) -> int:
    """Return the number of rows of a name such as `10M`, `20k` or `1500`.

    Raises:
        ValueError: The text is not a number of rows, or fewer than `CHANGED_KEYS` rows.
    """
    unit = _WORDS.get(text[-1:], 1)
    rows = int(text[:-1] if unit > 1 else text) * unit
    if rows < CHANGED_KEYS:
        raise ValueError(f"{rows} rows are fewer than {CHANGED_KEYS}")
    return rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifacts:
    """Paths of both sides: folders of Parquet files, or single files."""

    folder: Path
    size: Size

    def path(self, side: str) -> Path:
        """Return the file or folder of a side."""
        return self.folder / (f"{side}.parquet" if self.size.files == 1 else side)

    def files(self, side: str) -> list[Path]:
        """Return the files of a side, in order."""
        path = self.path(side)
        return [path] if self.size.files == 1 else [path / f"part-{n:02}.parquet" for n in range(self.size.files)]

    @property
    def bytes(self) -> int:
        """Size of both sides in bytes."""
        return sum(file.stat().st_size for side in SIDES for file in self.files(side))

    def truth(self) -> Facts:
        """Return the correct result of a diff, as written by the generator."""
        facts: Facts = json.loads((self.folder / "truth.json").read_text())
        return facts
