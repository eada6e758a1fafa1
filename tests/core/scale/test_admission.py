"""Evidence of a capacity that counts, and each difference that a person has to consent to."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec
import pytest

from capacity_evidence import capacity_evidence
from ghmlops.core.errors import EvidenceError
from ghmlops.core.evidence.document import ComparedPart, Evidence
from ghmlops.core.policy.production.scale import CapacityFile, Consent, ScaleCapacity
from ghmlops.core.scale.admission import Admitted, Expected, Source, admit

if TYPE_CHECKING:
    from typing import Any

NOW = datetime(2026, 11, 29, tzinfo=UTC)
SHA = "a" * 40


def evidence(
    low: float | None = 50.0,
    machine: str = "Linux, 2 CPUs (EPYC 7763)",
    high: float | None = None,
    **provenance: Any,
) -> Evidence:
    """Return evidence of a capacity."""
    plain = capacity_evidence(low, high)
    parts = [ComparedPart(kind="machine", name="machine", baseline="", candidate=machine)]
    values = {"service": "shop", "parts": parts, **provenance}
    return msgspec.structs.replace(plain, provenance=msgspec.structs.replace(plain.provenance, **values))


def admitted(content: Evidence, commit: str = SHA, **capacity: Any) -> list[Admitted]:
    """Return the capacity, if it counts."""
    file = CapacityFile(file="capacity.json")
    policy = ScaleCapacity(evidence=(file,), **capacity)
    return admit([Source(file, content)], policy, Expected(commit, "shop", NOW))


def test_evidence_of_the_commit_counts() -> None:
    """Its low end, with where it comes from."""
    (row,) = admitted(evidence(), machine="epyc 7763")
    assert (row.measured, row.commit, row.differences) == ((1, 50.0), SHA, ())


@pytest.mark.parametrize(
    ("content", "capacity", "code", "consent"),
    [
        (evidence(head_sha="b" * 40), {}, "capacity-of-another-commit", "other-commit"),
        (evidence(head_sha=""), {}, "capacity-of-another-commit", "other-commit"),
        (evidence(dirty=True), {}, "capacity-of-another-commit", "uncommitted-changes"),
        (evidence(), {"machine": "Xeon"}, "capacity-of-another-machine", "other-machine"),
        (evidence(service="cart"), {}, "capacity-of-another-service", None),
        (evidence(None), {}, "capacity-not-measured", None),
        *((evidence(low), {}, "capacity-not-measured", None) for low in (0.0, -1.0, 1e-300, 1e300)),
        *((evidence(high=high), {}, "capacity-not-measured", None) for high in (0.0, 49.0, 1e300)),
        (msgspec.structs.replace(evidence(), details=None), {}, "capacity-not-measured", None),
        (evidence(), {"max_age": 60.0}, "capacity-too-old", None),
        (evidence(started="2026-12-24T00:00:00Z"), {}, "capacity-too-old", None),
        (evidence(started="soon"), {}, "capacity-too-old", None),
    ],
)
def test_each_difference_is_refused_by_name(
    content: Evidence, capacity: dict[str, Any], code: str, consent: Consent | None
) -> None:
    """A person may consent to another commit or machine; then the difference is listed."""
    with pytest.raises(EvidenceError) as caught:
        admitted(content, **capacity)
    assert caught.value.reason_code == code
    if consent is not None:
        (row,) = admitted(content, accept=(consent,), **capacity)
        assert len(row.differences) == 1


def test_several_files_are_of_one_machine() -> None:
    """Capacities of two machines are not one curve."""
    files = (CapacityFile(file="a.json"), CapacityFile(file="b.json", replicas=4))
    sources = [Source(files[0], evidence()), Source(files[1], evidence(180.0, machine="another"))]
    expected = Expected(SHA, "shop", NOW)
    with pytest.raises(EvidenceError) as caught:
        admit(sources, ScaleCapacity(evidence=files), expected)
    assert caught.value.reason_code == "capacity-of-another-machine"
    rows = admit(sources, ScaleCapacity(evidence=files, accept=("other-machine",)), expected)
    assert [row.measured.replicas for row in rows] == [1, 4]


def test_without_a_commit_none_is_compared() -> None:
    """Outside of a checkout the commit that runs is not known."""
    assert admitted(evidence(), commit="")
