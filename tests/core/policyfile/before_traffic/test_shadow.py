"""The section `shadow` of the policy."""

from __future__ import annotations

import pytest

from ghmlops.core.errors import PolicyError
from ghmlops.core.policy.before_traffic.shadow import Compare, Send, Shadow, ShadowMargins
from ghmlops.core.policy.latency import DEFAULT_LATENCY_MARGINS, LatencyMargin
from ghmlops.core.policyfile.document import read_policy

HEAD = "version: 1\nservice: s\nshadow:\n"


def read(text: str) -> Shadow:
    """Read a section."""
    section = read_policy(HEAD + "".join(f"  {line}\n" for line in text.splitlines())).shadow
    assert section is not None
    return section


def test_every_key_is_read() -> None:
    """Each key of the section has its type; paths are completed."""
    text = """\
requests: rows.parquet
safe: [POST /predict, "POST /models/{name}/infer"]
twin: false
expect: same
compare: {ignore: [meta], keys: {items: sku}, tolerance: {score: 0.001}, decision: label}
margins: {disagreement: 5%, decisions: 0.005, latency: {p50: 3%}}
coverage: 95%
private: [name]
answers: out
send: {rate: 20/s, workers: 2, timeout: 2s, budget: 1m, headers: {X-Shadow: "1"}, recorded-headers: [X-Tenant]}
"""
    assert read(text) == Shadow(
        requests="rows.parquet",
        safe=("POST /predict", "POST /models/{name}/infer"),
        twin=False,
        expect="same",
        compare=Compare(ignore=("$.meta",), keys={"$.items": "sku"}, tolerance={"$.score": 0.001}, decision="$.label"),
        margins=ShadowMargins(
            disagreement=0.05,
            decisions=0.005,
            latency=DEFAULT_LATENCY_MARGINS | {"p50": LatencyMargin(fail=0.03, safe=0.15)},
        ),
        coverage=0.95,
        private=("name",),
        answers="out",
        send=Send(
            rate=20.0, workers=2, timeout=2.0, budget=60.0, headers={"x-shadow": "1"}, recorded_headers=("x-tenant",)
        ),
    )
    assert read("har: x.har\ncompare: {tolerance: auto}").compare == Compare()


@pytest.mark.parametrize(
    "text",
    [
        "twin: true",
        "requests: a\nhar: b",
        "requests: a\naccess-logs: {live: l, candidate: c}",
        "access-logs: {live: l}",
        "requests: a\nsafe: [predict]",
        "requests: a\nsafe: [post /predict]",
        'requests: a\nsafe: ["POST /predict?x=1"]',
        "requests: a\nexpect: better",
        "requests: a\ncoverage: 0",
        "requests: a\ncoverage: 101%",
        "requests: a\nmargins: {decisions: 1%}",
        "requests: a\ncompare: {tolerance: {s: -1}}",
        "requests: a\ncompare: {tolerance: {s: nan}}",
        "requests: a\nsend: {workers: 65}",
        "requests: a\nsend: {rate: fast}",
        "requests: a\nsend: {headers: {content-length: 3}}",
        "requests: a\nsend: {queue: 3}",
    ],
)
def test_malformed_values_are_refused(text: str) -> None:
    """A value that means nothing is an error that names its line."""
    with pytest.raises(PolicyError, match=r"ghmlops\.yml:"):
        read(text)
