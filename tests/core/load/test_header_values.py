"""Header values from the environment: substitution, and errors that name variables but never values."""

from __future__ import annotations

import pytest

from ghmlops.core.errors import PolicyError
from ghmlops.core.load.header_values import fill
from ghmlops.core.policy.latency import Request

SECRET = "s3cret-value"


def test_variables_are_replaced() -> None:
    """`${NAME}` is replaced anywhere in a value, `$${` becomes `${`, a lone `$` and other fields are kept."""
    headers = {"authorization": "Bearer ${TOKEN}", "x-two": "${A}-${TOKEN}", "x-plain": "$${A} costs $5", "x": "y"}
    request = Request(path="/p", weight=2.0, headers=headers)
    (result,) = fill([request], {"TOKEN": SECRET, "A": "a"})
    assert result.headers == {
        "authorization": f"Bearer {SECRET}", "x-two": f"a-{SECRET}", "x-plain": "${A} costs $5", "x": "y",
    }  # fmt: skip
    assert (result.path, result.weight) == ("/p", 2.0)
    assert request.headers == headers


def test_values_are_not_substituted_recursively() -> None:
    """A variable whose value looks like a field is inserted literally."""
    (result,) = fill([Request(headers={"x": "${A}"})], {"A": "${B}$${", "B": SECRET})
    assert result.headers == {"x": "${B}$${"}


@pytest.mark.parametrize("environ", [{}, {"TOKEN": ""}])
def test_an_unset_or_empty_variable_is_an_error(environ: dict[str, str]) -> None:
    """The message names the header and the variable, and the hint contains the `env:` line to paste."""
    with pytest.raises(PolicyError, match=r"header `authorization`: .*TOKEN") as caught:
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
def test_variables_of_the_runner_are_refused(name: str) -> None:
    """The policy of a pull request cannot send the job's token to a host of its choice."""
    with pytest.raises(PolicyError, match=f"header `x`: the variable {name} ") as caught:
        fill([Request(headers={"x": f"${{{name}}}"})], {name: SECRET})
    assert SECRET not in caught.value.message + caught.value.hint
    assert "pull request" in caught.value.hint


@pytest.mark.parametrize("value", ["${", "${}", "${A B}", "${1A}", "${A-B}", "a ${A"])
def test_malformed_fields(value: str) -> None:
    """Text that starts like a field but is not one is an error; it is not sent literally."""
    with pytest.raises(PolicyError, match="header `x`: ") as caught:
        fill([Request(headers={"x": value})], {"A": SECRET})
    assert SECRET not in caught.value.message + caught.value.hint


@pytest.mark.parametrize(
    "value", [f"{SECRET}\r\nevil: 1", f"{SECRET}\n", f"{SECRET}\x00", f"{SECRET}€", f"\x1b{SECRET}"]
)
def test_values_that_break_a_header_are_refused_without_showing_them(value: str) -> None:
    """Line breaks, control characters and non-latin-1 text are refused, from the environment or the policy."""
    for request, environ in ((Request(headers={"x": "${A}"}), {"A": value}), (Request(headers={"x": value}), {})):
        with pytest.raises(PolicyError, match="header `x`: ") as caught:
            fill([request], environ)
        assert SECRET not in caught.value.message + caught.value.hint
