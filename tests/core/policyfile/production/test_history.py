"""The section `history`: defaults, and values that are refused."""

from __future__ import annotations

import jsonschema
import pytest
import yaml

from ghmlops.core.errors import PolicyError
from ghmlops.core.policy.production.history import History, HypothesisRules, Page
from ghmlops.core.policyfile.document import read_policy
from ghmlops.core.policyfile.schema import policy_schema

HEAD = "version: 1\nservice: s\n"
FULL = """history:
  keep: 730d
  page: {url: "https://acme.github.io/scorer/", stale: 12h}
  hypothesis: {required: [production, canary]}
"""


def test_all_keys() -> None:
    """Durations in seconds; one environment is a list of one; the schema for editors accepts the same."""
    history = read_policy(HEAD + FULL, "p.yml").history
    assert history == History(
        keep=730 * 86_400.0,
        page=Page(url="https://acme.github.io/scorer/", stale=12 * 3600.0),
        hypothesis=HypothesisRules(required=("production", "canary")),
    )
    jsonschema.validate(yaml.safe_load(HEAD + FULL), policy_schema())
    one = read_policy(HEAD + "history: {hypothesis: {required: production}}", "p.yml").history
    assert one.hypothesis.required == ("production",)


def test_the_defaults() -> None:
    """Without the section nothing is required, nothing is linked, and the page has all deployments."""
    history = read_policy(HEAD, "p.yml").history
    assert (history.keep, history.page.url, history.page.stale, history.hypothesis.required) == (
        None,
        "",
        129_600.0,
        (),
    )


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("{page: {url: javascript:alert(1)}}", "http"),
        ("{page: {url: 'https://a b/'}}", "http"),
        ("{page: {link: https://a/}}", "link"),
        ("{keep: forever}", "forever"),
        ("{keep: 2y}", "2y"),
        ("{hypothesis: {required: ['']}}", "expected text"),
        ("{hypothesis: {required: [' production']}}", "environment"),
        ("{hypothesis: production}", "hypothesis"),
    ],
)
def test_what_is_refused(text: str, part: str) -> None:
    """Each error is one line with the place of the value."""
    with pytest.raises(PolicyError) as error:
        read_policy(f"{HEAD}history: {text}\n", "p.yml")
    assert part in str(error.value)
    assert "p.yml:3" in str(error.value)
