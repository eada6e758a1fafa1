"""Files with the rows that an aggregate was counted from: each names the records and the SHA-256 of their evidence.

The name of a file is the SHA-256 of its content, so that a number on the page refers to exactly these rows.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from ghmlops.core.context import is_sha
from ghmlops.report.text.blocks import Link

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ghmlops.core.history.calibration import Pair
    from ghmlops.core.history.deployments import Deployment
    from ghmlops.core.history.record import EvidenceDigest
    from ghmlops.report.text.blocks import Cell

FOLDER = "sources"
_SHA256 = re.compile(r"[0-9a-f]{64}")
_DEPLOYMENTS = "time,state,rolled-back,undone-by,commit,records,evidence-sha256"
_PAIRS = "time,stated,measured,commit,record,evidence-sha256"


class Sources:
    """The files, collected while the page is written.

    Args:
        deployments: All deployments of the page.
    """

    def __init__(self, deployments: Sequence[Deployment]) -> None:
        self.files: dict[str, str] = {}
        self._evidence: dict[str, tuple[EvidenceDigest, ...]] = {
            identity: record.evidence
            for item in deployments
            for identity, record in zip(item.ids, item.records, strict=True)
        }

    def deployments(self, items: Iterable[Deployment]) -> Cell:
        """Return a link to a file with a row per deployment."""
        rows = [
            (
                f"{item.time:%Y-%m-%dT%H:%M:%SZ}",
                item.state,
                "yes" if item.is_rollback else "no",
                item.harmed_by,
                _commit(item.commit),
                " ".join(item.ids),
                _digests(evidence for record in item.records for evidence in record.evidence),
            )
            for item in items
        ]
        return self._add(_DEPLOYMENTS, rows)

    def pairs(self, pairs: Iterable[Pair]) -> Cell:
        """Return a link to a file with a row per expectation."""
        rows = [
            (
                f"{pair.time:%Y-%m-%dT%H:%M:%SZ}",
                repr(pair.stated),
                repr(pair.measured),
                _commit(pair.commit),
                pair.id,
                _digests(self._evidence.get(pair.id, ())),
            )
            for pair in pairs
        ]
        return self._add(_PAIRS, rows)

    def evidence(self, identity: str) -> list[str]:
        """Return the digests of the evidence of a record."""
        return [evidence.sha256 for evidence in self._evidence.get(identity, ())]

    def _add(self, header: str, rows: Sequence[Sequence[str]]) -> Cell:
        # No field contains a comma or anything that a record wrote as free text.
        text = "".join(f"{line}\n" for line in (header, *map(",".join, rows)))
        digest = hashlib.sha256(text.encode()).hexdigest()
        name = f"{FOLDER}/{digest}.csv"
        self.files[name] = text
        return (Link(digest[:12], name, code=True),)


def _commit(commit: str) -> str:
    return commit if is_sha(commit) else ""


def _digests(evidence: Iterable[EvidenceDigest]) -> str:
    return " ".join(dict.fromkeys(item.sha256 for item in evidence if _SHA256.fullmatch(item.sha256)))
