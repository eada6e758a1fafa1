"""The section `synthetic` of the policy: assertions on whole answers, and Schemathesis."""

from __future__ import annotations

import pytest

from ghmlops.core.errors import PolicyError
from ghmlops.core.policy.before_traffic.synthetic import Assertion, Schemathesis, Synthetic
from ghmlops.core.policyfile.document import read_policy


def read(text: str) -> Synthetic:
    """Read a section."""
    section = read_policy(f"version: 1\nservice: s\nlatency: {{}}\nsynthetic: {{{text}}}\n").synthetic
    assert section is not None
    return section


def test_an_assertion_may_be_about_the_whole_answer() -> None:
    """Its service time, and its type."""
    section = read("assert: {$: {latency: 500ms, type: object}, score: {range: [0, 1]}}")
    assert section.assertions == {
        "$": Assertion(latency=0.5, type="object"),
        "score": Assertion(range=(0.0, 1.0)),
    }


def test_schemathesis_has_its_settings() -> None:
    """A description is enough."""
    assert read("schemathesis: {schema: openapi.json}").schemathesis == Schemathesis(schema="openapi.json")
    text = "schemathesis: {schema: o.json, examples: 7, exclude-checks: [not_a_server_error], budget: 1m}"
    expected = Schemathesis(schema="o.json", examples=7, exclude_checks=("not_a_server_error",), budget=60.0)
    assert read(text).schemathesis == expected


@pytest.mark.parametrize(
    "text",
    [
        "assert: {score: {latency: 500ms}}",
        "assert: {$: {latency: fast}}",
        "schemathesis: {}",
        "schemathesis: {schema: o.json, examples: 100000}",
        "schemathesis: {schema: o.json, exclude-checks: [--hooks]}",
        "schemathesis: {schema: o.json, phases: [stateful]}",
    ],
)
def test_a_setting_that_is_malformed_is_refused(text: str) -> None:
    """One line that names the file's place."""
    with pytest.raises(PolicyError):
        read(text)
