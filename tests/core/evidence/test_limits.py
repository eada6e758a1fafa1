"""Limits of an evidence folder: entries are counted over all files; what is beyond becomes unreadable."""

from __future__ import annotations

import msgspec

from bulky_evidence import document
from ghmlops.core.evidence.document import Evidence
from ghmlops.core.evidence.limits import MAX_ENTRIES, count_entries, within_limits
from ghmlops.core.evidence.loaded import Loaded


def _loaded(kind: str, count: int, name: str) -> Loaded:
    return Loaded(name, "0" * 64, msgspec.json.decode(document(kind, 0, name, count), type=Evidence), "")


def test_entries_are_counted_by_kind() -> None:
    """Findings, slices, measurements with their values, fingerprints and rows of the details."""
    assert count_entries(_loaded("wide-slices", 2, "a").evidence)["columns of slices"] == 1000  # type: ignore[arg-type]
    counts = count_entries(_loaded("kinds-of-values", 3, "a").evidence)  # type: ignore[arg-type]
    assert (counts["measurements"], counts["values of measurements"], counts["findings"]) == (3, 150, 1)
    assert count_entries(_loaded("timeline", 7, "a").evidence)["rows of tables"] == 7  # type: ignore[arg-type]


def test_the_file_beyond_a_limit_and_later_ones_have_a_problem() -> None:
    """Files are counted together, in their order; an unreadable one keeps its problem."""
    limit = MAX_ENTRIES["fingerprints"]
    files = [
        _loaded("fingerprints", limit - 1, "a"),
        Loaded("b", "", None, "it is a link"),
        _loaded("fingerprints", 1, "c"),
        _loaded("fingerprints", 1, "d"),
        _loaded("fingerprints", 1, "e"),
    ]
    results = within_limits(files)
    assert [bool(file.evidence) for file in results] == [True, False, True, False, False]
    assert results[1].problem == "it is a link"
    assert f"{limit:,} fingerprints" in results[3].problem
