"""What the bench compares: sizes, columns, the places of the files, and what a right diff finds in them.

Imported by the bench itself, so without NumPy: the memory of a child is counted from what its parent held.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

SIDES = ("baseline", "candidate")
COLUMNS = ("id", "clicked", "p_click", "y_pred", "event_time", "device", "country", "plan")
"""The eight columns of fourteen that the policy names. Ours reads the others too, for the content's fingerprint."""
SLICES = (("device",), ("country",), ("plan",), ("device", "country"))
MINIMUM_ROWS = 200
"""Paired rows that a slice or a window needs to be judged, as by default in a policy."""
CHANGED_KEYS = 1000
"""One key in so many is missing from the candidate, and as many are new."""
_WORDS = {"k": 1000, "M": 1_000_000}

Facts = Mapping[str, float]
"""What a diff found; the names are those of `generate.truth`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """What is generated.

    Attributes:
        rows: of each side.
        files: of each side; with one the artifact is a file, otherwise a folder.
        seed: of values and orders.
    """

    rows: int
    files: int = 8
    seed: int = 2026

    @property
    def changed(self) -> int:
        """Keys that only the baseline has, and as many that only the candidate has."""
        return self.rows // CHANGED_KEYS

    @property
    def name(self) -> str:
        """`10M`, `20k` or the number itself."""
        for word, unit in sorted(_WORDS.items(), key=lambda pair: -pair[1]):
            if self.rows % unit == 0:
                return f"{self.rows // unit}{word}"
        return str(self.rows)


def rows_of(text: str) -> int:
    """Return the number of rows that `10M`, `20k` or `500` stands for.

    Raises:
        ValueError: it is none, or fewer rows than one for each changed key.
    """
    unit = _WORDS.get(text[-1:], 1)
    rows = int(text[:-1] if unit > 1 else text) * unit
    if rows < CHANGED_KEYS:
        raise ValueError(f"{rows} rows are fewer than {CHANGED_KEYS}")
    return rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifacts:
    """Where both sides are: folders of Parquet files, or files."""

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
        """Bytes of both sides."""
        return sum(file.stat().st_size for side in SIDES for file in self.files(side))

    def truth(self) -> Facts:
        """Return what a right diff finds, as the generator noted it."""
        found: Facts = json.loads((self.folder / "truth.json").read_text())
        return found
