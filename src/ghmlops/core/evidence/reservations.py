"""What evidence does not show about its commit: facts of the checkout, not of the measurement."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.model import NotMeasured

if TYPE_CHECKING:
    from ghmlops.core.evidence.document import Evidence, Provenance


def reservations(origin: Provenance) -> list[NotMeasured]:
    """Return the entries that evidence of this origin lists among what was not measured."""
    if not origin.head_sha:
        return [NotMeasured(what="a commit", why="the folder has no commit, so that no gate accepts this evidence")]
    if origin.dirty:
        sha = origin.head_sha[:12]
        return [NotMeasured(what=f"commit {sha} as it is", why="tracked files of the work tree differed from it")]
    return []


def not_measured_of(evidence: Evidence) -> list[NotMeasured]:
    """Return what the measurement itself left out. Another checkout may repeat it with other reservations."""
    facts = reservations(evidence.provenance)
    return [entry for entry in evidence.not_measured if entry not in facts]
