"""Which failures may be acted on without a person."""

from __future__ import annotations

import msgspec

from ghmlops.core.evidence.document import Evidence, Provenance
from ghmlops.core.model import Finding, Outcome
from ghmlops.core.verdict.confirmation import confirmed_failures

OBJECTIVE = Finding(id="objective-p99", metric="p99", outcome=Outcome.FAIL, reason="Slow.", docs="a.md#b")
SHARED = msgspec.structs.replace(OBJECTIVE, confirmed=False)


def run(leg: str, *findings: Finding) -> Evidence:
    origin = Provenance(repository="acme/s", head_sha="a" * 40)
    return Evidence(command="latency", leg=leg, outcome=Outcome.FAIL, provenance=origin, findings=list(findings))


def test_a_limit_that_the_baseline_misses_in_either_run_is_not_confirmed() -> None:
    """Two runs that fail confirm a failure, unless the baseline misses the same limit in one of them."""
    for first, second, expected in (
        (OBJECTIVE, OBJECTIVE, ["latency:objective-p99"]),
        (SHARED, OBJECTIVE, []),
        (OBJECTIVE, SHARED, []),
        (SHARED, SHARED, []),
    ):
        evidence = run("", first)
        assert confirmed_failures(evidence, [evidence, run("confirm", second)]) == expected


def test_confirmed_is_written_only_where_it_is_known() -> None:
    """The field is `false` or absent, in the file and after reading it."""
    data = msgspec.json.encode(run("", OBJECTIVE, SHARED))
    assert [finding.get("confirmed") for finding in msgspec.json.decode(data)["findings"]] == [None, False]
    assert msgspec.json.decode(data, type=Evidence).findings[1].confirmed is False
