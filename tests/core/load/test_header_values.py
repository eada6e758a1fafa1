"""Header values from the environment: substitution, and errors that name variables but never values."""

from __future__ import annotations

import pytest

from ghmlops.core.errors import InputError, PolicyError
from ghmlops.core.load.header_values import fill, has_variables, read_names
from ghmlops.core.policy.latency import Request

SECRET = "s3cret-value"


def test_variables_are_replaced() -> None:
    """`${NAME}` is replaced anywhere in a value, `$${` becomes `${`, a lone `$` and other fields are kept."""
    headers = {"authorization": "Bearer ${TOKEN}", "x-two": "${A}-${TOKEN}", "x-plain": "$${A} costs $5", "x": "y"}
    request = Request(path="/p", weight=2.0, headers=headers)
    (result,) = fill([request], {"TOKEN": SECRET, "A": "a"}, {"TOKEN", "A"})
    assert result.headers == {
        "authorization": f"Bearer {SECRET}", "x-two": f"a-{SECRET}", "x-plain": "${A} costs $5", "x": "y",
    }  # fmt: skip
    assert (result.path, result.weight) == ("/p", 2.0)
    assert request.headers == headers


def test_values_are_not_substituted_recursively() -> None:
    """A variable whose value looks like a field is inserted literally."""
    (result,) = fill([Request(headers={"x": "${A}"})], {"A": "${B}$${", "B": SECRET}, {"A", "B"})
    assert result.headers == {"x": "${B}$${"}


@pytest.mark.parametrize("environ", [{}, {"TOKEN": ""}])
def test_an_unset_or_empty_variable_is_an_error(environ: dict[str, str]) -> None:
    """The message names the header and the variable, and the hint contains the `env:` line to paste."""
    with pytest.raises(PolicyError, match=r"header `authorization`: .*TOKEN") as caught:
        fill([Request(headers={"authorization": "Bearer ${TOKEN}"})], environ, {"TOKEN"})
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
        "GH_TOKEN",
        "AWS_SECRET_ACCESS_KEY",
        "HF_TOKEN",
        "NPM_TOKEN",
        "SSH_AUTH_SOCK",
        "github_token",
    ],
)
def test_variables_of_the_runner_are_refused(name: str) -> None:
    """The policy of a pull request cannot send the job's token to a host of its choice."""
    with pytest.raises(PolicyError, match=f"header `x`: the variable {name} ") as caught:
        fill([Request(headers={"x": f"${{{name}}}"})], {name: SECRET}, {name})
    assert SECRET not in caught.value.message + caught.value.hint
    assert "pull request" in caught.value.hint
    with pytest.raises(InputError, match=name):
        read_names(f"SCORER_TOKEN,{name}")


@pytest.mark.parametrize("value", ["${", "${}", "${A B}", "${1A}", "${A-B}", "a ${A"])
def test_malformed_fields(value: str) -> None:
    """Text that starts like a field but is not one is an error; it is not sent literally."""
    with pytest.raises(PolicyError, match="header `x`: ") as caught:
        fill([Request(headers={"x": value})], {"A": SECRET}, {"A"})
    assert SECRET not in caught.value.message + caught.value.hint


@pytest.mark.parametrize(
    "value", [f"{SECRET}\r\nevil: 1", f"{SECRET}\n", f"{SECRET}\x00", f"{SECRET}€", f"\x1b{SECRET}"]
)
def test_values_that_break_a_header_are_refused_without_showing_them(value: str) -> None:
    """Line breaks, control characters and non-latin-1 text are refused, from the environment or the policy."""
    for request, environ in ((Request(headers={"x": "${A}"}), {"A": value}), (Request(headers={"x": value}), {})):
        with pytest.raises(PolicyError, match="header `x`: ") as caught:
            fill([request], environ, {"A"})
        assert SECRET not in caught.value.message + caught.value.hint


def test_the_policy_alone_cannot_send_a_variable() -> None:
    """A variable that `allow-env` does not name is not sent, although the job has it; the hint names the input."""
    request = Request(headers={"authorization": "Bearer ${SCORER_TOKEN}"})
    for allowed in (frozenset[str](), frozenset({"OTHER"})):
        with pytest.raises(PolicyError, match=r"header `authorization`: .*SCORER_TOKEN") as caught:
            fill([request], {"SCORER_TOKEN": SECRET}, allowed)
        assert "`allow-env: SCORER_TOKEN`" in caught.value.hint
        assert SECRET not in caught.value.message + caught.value.hint


def test_allowed_names_are_separated_by_commas_or_lines() -> None:
    """Spaces do not matter; text that is not a name is refused."""
    assert read_names(" A, B_1\nC\n") == {"A", "B_1", "C"}
    assert read_names("") == frozenset()
    for text in ("A B", "${A}", "A=1", "*"):
        with pytest.raises(InputError, match="allow-env"):
            read_names(text)


@pytest.mark.parametrize(("value", "expected"), [("plain", False), ("$${A}", False), ("Bearer ${A}", True)])
def test_a_header_with_a_variable_is_recognised(value: str, expected: bool) -> None:
    """A literal `${` is no variable."""
    assert has_variables([Request(), Request(headers={"x": value})]) == expected
