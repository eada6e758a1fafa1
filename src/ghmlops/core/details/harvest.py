"""Details of the evidence of `harvest`: what was counted, what was set aside, and what was written."""

from __future__ import annotations

from ghmlops.core.model import Frozen
from ghmlops.core.policy.production.harvest import Harvest


class HarvestedSlice(Frozen, frozen=True, kw_only=True):
    """A value of a slice column: requests in the traffic, requests in the sample, and their sum of weights."""

    column: str
    value: str
    requests: int
    rows: int
    weight: float


class HarvestedFile(Frozen, frozen=True, kw_only=True):
    """A file that was written: path below the working directory, SHA-256, and number of rows."""

    file: str
    sha256: str
    rows: int


class HarvestDetails(Frozen, frozen=True, kw_only=True, tag_field="command", tag="harvest"):
    """Details of the evidence of `harvest`.

    Attributes:
        counts: number of lines or requests by what became of them.
        outcomes: number of outcomes by what became of them.
        quarantined: number of candidates by field and kind of what they contain.
        slices: slices of the sample.
        files: files that were written.
        settings: the section of the policy.
    """

    counts: dict[str, int]
    outcomes: dict[str, int]
    quarantined: dict[str, int]
    slices: list[HarvestedSlice]
    files: list[HarvestedFile]
    settings: Harvest
