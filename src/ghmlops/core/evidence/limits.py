"""Limits of an evidence folder, so that reading and reporting it stays cheap whatever a hostile job wrote.

Within them `report` needs less than 60 CPU-seconds and 1 GiB (`tests/commands/report/test_bulky_evidence.py`). Real
folders stay far below: a diff with 10,000 findings has 6 MB.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ghmlops.core.evidence.document import Evidence
    from ghmlops.core.evidence.loaded import Loaded

MAX_ENTRIES = {
    "findings": 40_000,
    "measurements": 10_000,
    "values of measurements": 100_000,
    "columns of slices": 100_000,
    "entries of not_measured": 5_000,
    "fingerprints": 2_000,
    "rows of tables": 150_000,
}
"""Maximum number of entries of each kind in all files of a folder."""


def count_entries(evidence: Evidence) -> Counter[str]:
    """Return how many entries of each kind of `MAX_ENTRIES` an evidence file has."""
    counts = Counter(
        {
            "findings": len(evidence.findings),
            "measurements": len(evidence.measurements),
            "values of measurements": sum(len(measurement.values) for measurement in evidence.measurements),
            "columns of slices": sum(len(finding.slice) for finding in evidence.findings),
            "entries of not_measured": len(evidence.not_measured),
            "fingerprints": len(evidence.provenance.fingerprints),
        }
    )
    if isinstance(evidence.details, msgspec.Struct):
        counts["rows of tables"] = sum(_count(getattr(evidence.details, n)) for n in evidence.details.__struct_fields__)
    return counts


def within_limits(files: Iterable[Loaded]) -> list[Loaded]:
    """Return the files; the one with which they exceed a limit, and all later ones, become unreadable files.

    Files of several folders or artifacts that one command judges are counted together.
    """
    results, counts = [], Counter[str]()
    for loaded in files:
        if loaded.evidence:
            counts += count_entries(loaded.evidence)
        kind = next((kind for kind, limit in MAX_ENTRIES.items() if counts[kind] > limit), "")
        if kind and loaded.evidence:
            problem = f"the evidence contains more than {MAX_ENTRIES[kind]:,} {kind}"
            results.append(loaded._replace(evidence=None, problem=problem))
        else:
            results.append(loaded)
    return results


def _count(value: object) -> int:
    """Return the number of entries of a table or a mapping, with those of the collections in a mapping."""
    if isinstance(value, dict):
        return len(value) + sum(len(item) for item in value.values() if isinstance(item, list | tuple | dict))
    return len(value) if isinstance(value, list | tuple) else 0
