"""Header values from the environment: filled in, refused with the names, never with a value."""

from __future__ import annotations

import pytest

from ghmlops.core.errors import PolicyError
from ghmlops.core.load.header_values import fill
from ghmlops.core.policy.latency import Request

SECRET = "s3cret-value"


def test_variables_are_filled_in() -> None:
    """`${NAME}` is replaced wherever it stands, `$${` is a plain `${`, a lone `$` stays; other parts are untouched."""
    headers = {"authorization": "Bearer ${TOKEN}", "x-two": "${A}-${TOKEN}", "x-plain": "$${A} costs $5", "x": "y"}
    request = Request(path="/p", weight=2.0, headers=headers)
    (filled,) = fill([request], {"TOKEN": SECRET, "A": "a"})
    assert filled.headers == {
        "authorization": f"Bearer {SECRET}", "x-two": f"a-{SECRET}", "x-plain": "${A} costs $5", "x": "y",
    }  # fmt: skip
    assert (filled.path, filled.weight) == ("/p", 2.0)
    assert request.headers == headers


def test_a_value_is_not_read_again() -> None:
    """A variable whose value looks like a field is put in as it is."""
    (filled,) = fill([Request(headers={"x": "${A}"})], {"A": "${B}$${", "B": SECRET})
    assert filled.headers == {"x": "${B}$${"}


@pytest.mark.parametrize("environ", [{}, {"TOKEN": ""}])
def test_an_unset_or_empty_variable_is_an_error(environ: dict[str, str]) -> None:
    """Header and variable are named, and what to paste."""
    with pytest.raises(PolicyError, match="header `authorization`: the variable TOKEN is not set") as caught:
        fill([Request(headers={"authorization": "Bearer ${TOKEN}"})], environ)
    assert "env: {TOKEN: ${{ secrets.TOKEN }}}" in caught.value.hint


@pytest.mark.parametrize(
    "name",
    [
        "GITHUB_TOKEN",
        "GHMLOPS_TOKEN",
        "ACTIONS_RUNTIME_TOKEN",
        "GITHUB_SHA",
        "RUNNER_TEMP",
        "INPUT_TOKEN",
        "github_token",
    ],
)
def test_the_runners_own_variables_are_refused(name: str) -> None:
    """A policy of a pull request cannot send the job's token to a host of its choice."""
    with pytest.raises(PolicyError, match=f"the variable {name} is the runner's own") as caught:
        fill([Request(headers={"x": f"${{{name}}}"})], {name: SECRET})
    assert SECRET not in caught.value.message + caught.value.hint
    assert "pull request" in caught.value.hint


@pytest.mark.parametrize("value", ["${", "${}", "${A B}", "${1A}", "${A-B}", "a ${A"])
def test_malformed_fields(value: str) -> None:
    """What begins like a field and is none is an error, not sent as it is."""
    with pytest.raises(PolicyError, match="header `x`: ") as caught:
        fill([Request(headers={"x": value})], {"A": SECRET})
    assert SECRET not in caught.value.message + caught.value.hint


@pytest.mark.parametrize(
    "value", [f"{SECRET}\r\nevil: 1", f"{SECRET}\n", f"{SECRET}\x00", f"{SECRET}€", f"\x1b{SECRET}"]
)
def test_values_that_break_a_header_are_refused_unseen(value: str) -> None:
    """Line breaks, controls and what is not latin-1, from the environment or the policy: refused without the value."""
    for request, environ in ((Request(headers={"x": "${A}"}), {"A": value}), (Request(headers={"x": value}), {})):
        with pytest.raises(PolicyError, match="cannot stand in a header") as caught:
            fill([request], environ)
        assert SECRET not in caught.value.message + caught.value.hint
