"""What differs between both sides, apart from the results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from ghmlops.core.details.regression import RegressionDetails, SourceRow
from ghmlops.core.evidence.document import ComparedPart
from ghmlops.report.content.what_changed import MAX_PARTS, what_changed
from ghmlops.report.formats.html_table import inline
from report import samples

if TYPE_CHECKING:
    from ghmlops.core.evidence.document import Evidence

RUN = {"run-id": "41", "head-sha": "9" * 40}


def with_parts(*parts: ComparedPart, **fields: Any) -> Evidence:
    """Return evidence with these parts."""
    return msgspec.structs.replace(samples.latency(), provenance=samples.provenance(parts=list(parts), **fields))


def part(kind: str, name: str, baseline: str, candidate: str) -> ComparedPart:
    """Return one part."""
    return ComparedPart(kind=kind, name=name, baseline=baseline, candidate=candidate)


def rows(*files: Evidence) -> list[list[list[str]]]:
    """Return the text of the cells of both tables."""
    section = what_changed(samples.merged(*files), files, samples.FACTS)
    assert section is not None
    return [[[inline(cell) for cell in row] for row in table.rows] for table in section.tables]


def test_differing_parts_come_first_and_equal_ones_are_collapsed() -> None:
    """Commit, policy and package differ; machine, release, seed and data are the same on both sides."""
    file = with_parts(
        part("package", "numpy", "1.26.4", "2.0.1"),
        part("policy", ".github/ghmlops.yml", "sha256:" + "1" * 64, "sha256:" + "2" * 64),
        part("policy-key", "latency.margins.p50", "10%", ""),
        part("machine", "machine", "Linux", "Linux"),
    )
    different, equal = rows(file)
    assert [row[0] for row in different] == ["Commit", "Policy", "Policy key", "Package"]
    assert samples.BASE[:10] in different[0][2]
    assert samples.HEAD[:10] in different[0][3]
    assert different[2][3] == "absent"
    assert [row[0] for row in equal] == ["Machine that measured", "Requests and labels", "ghmlops", "Seed"]
    section = what_changed(samples.merged(file), [file], samples.FACTS)
    assert section is not None
    assert [bool(table.collapsed) for table in section.tables] == [False, True]


def test_predictions_name_the_run_that_they_come_from() -> None:
    """The baseline of another run is named by run and commit, and differing fingerprints are a row."""
    file = samples.regression()
    sources = [
        SourceRow(dataset="", role="baseline", origin=RUN),
        SourceRow(dataset="", role="candidate", origin={"source": "new.parquet"}),
    ]
    prints = {
        "baseline": "content:duckdb:" + "1" * 64,
        "candidate": "content:duckdb:" + "2" * 64,
        "labels": "content:x:3",
    }
    file = msgspec.structs.replace(
        file, details=RegressionDetails(sources=sources), provenance=samples.provenance(fingerprints=prints)
    )
    different, equal = rows(file)
    assert [row[0] for row in different] == ["Commit", "Predictions", "Predictions from"]
    assert "run 41, commit 9999999999" in different[2][2]
    assert "new.parquet" in different[2][3]
    assert "Requests and labels" in [row[0] for row in equal]


def test_evidence_without_a_baseline_has_no_section() -> None:
    """There are no two sides to compare."""
    file = with_parts(part("machine", "machine", "", "Linux"), base_sha="")
    assert what_changed(samples.merged(file), [file], samples.FACTS) is None


def test_many_parts_and_hostile_ones() -> None:
    """Rows are bounded, and text of the evidence cannot become markup."""
    hostile = "<img src=x onerror=alert(1)>"
    files = [with_parts(*(part("package", f"{leg}-{n}", hostile, "1") for n in range(300))) for leg in "ab"]
    different, _ = rows(*files, with_parts(part("unknown", "x", "1", "2")))
    assert len(different) <= MAX_PARTS + 1
    assert not any(hostile in cell for row in different for cell in row)
