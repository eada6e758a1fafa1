"""Flags and variables become the typed inputs of a command."""

from __future__ import annotations

import pytest

from ghmlops.commands import command_module
from ghmlops.commands.shared.arguments import json_requested, parse_inputs
from ghmlops.core.errors import InputError
from ghmlops.core.model import Outcome


@pytest.mark.parametrize(
    ("args", "environ", "expected"),
    [
        ([], {"GHMLOPS_URL": "http://e"}, ("http://e", 1, False, Outcome.FAIL)),
        (["--url", "http://f"], {"GHMLOPS_URL": "http://e"}, ("http://f", 1, False, Outcome.FAIL)),
        (["--url=u", "--seed", "7", "--dry-run"], {}, ("u", 7, True, Outcome.FAIL)),
        (["--url=u", "--dry-run", "no"], {"GHMLOPS_DRY_RUN": "yes"}, ("u", 1, False, Outcome.FAIL)),
        (["--url=u"], {"GHMLOPS_SEED": "", "GHMLOPS_FAIL_ON": "warn"}, ("u", 1, False, Outcome.WARN)),
    ],
)
def test_a_flag_overrides_a_variable_and_a_variable_the_default(
    args: list[str], environ: dict[str, str], expected: tuple[object, ...]
) -> None:
    """An empty variable counts as unset, because GitHub passes an unset input that way."""
    inputs = parse_inputs("latency", command_module("latency"), args, environ)
    assert [getattr(inputs, name) for name in ("url", "seed", "dry_run", "fail_on")] == list(expected)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([], "`url` is required"),
        (["--url", "u", "--seed", "-1"], "seed"),
        (["--url", "u", "--fail-on", "pass"], "`fail-on`"),
        (["--url", "u", "--dry-run=maybe"], "`dry-run`"),
        (["--url", "a\x00b"], "NUL"),
        (["--url", "u", "--sed", "1"], "--sed"),
    ],
)
def test_malformed_inputs_are_errors(args: list[str], message: str) -> None:
    """Each names the input, and no flag is completed from an abbreviation."""
    with pytest.raises(InputError, match=message) as caught:
        parse_inputs("latency", command_module("latency"), args, {})
    assert caught.value.hint


@pytest.mark.parametrize(
    ("arg", "suggestion"),
    [
        ("--sed", "--seed"),
        ("--ulr=http://e", "--url"),
        ("--dry_run", "--dry-run"),
        ("--evidencedir", "--evidence-dir"),
        ("--zzzzzz", ""),
        ("-q", ""),
    ],
)
def test_an_unknown_flag_suggests_the_nearest(arg: str, suggestion: str) -> None:
    """The nearest flag of the command is suggested, and none if none resembles it; the value is not repeated."""
    with pytest.raises(InputError) as caught:
        parse_inputs("latency", command_module("latency"), ["--url", "u", arg], {})
    assert f"`{arg.partition('=')[0]}`" in caught.value.message
    assert ("did you mean" in caught.value.hint) == bool(suggestion)
    assert f"`{suggestion}`" in caught.value.hint or not suggestion


def test_an_argument_that_is_no_flag_is_named() -> None:
    """A value without a flag, such as a file name, is an error that names it."""
    with pytest.raises(InputError, match=r"predictions\.parquet") as caught:
        parse_inputs("latency", command_module("latency"), ["--url", "u", "predictions.parquet"], {})
    assert "--help" in caught.value.hint


@pytest.mark.parametrize(
    ("args", "environ", "expected"),
    [
        (["x", "--json"], {}, True),
        (["x", "--json", "false"], {"GHMLOPS_JSON": "true"}, False),
        (["x", "--json=true"], {}, True),
        (["x"], {"GHMLOPS_JSON": "TRUE"}, True),
        (["x"], {}, False),
    ],
)
def test_json_is_recognised_before_parsing(args: list[str], environ: dict[str, str], *, expected: bool) -> None:
    """So that an error in the inputs is JSON, too."""
    assert json_requested(args, environ) is expected


@pytest.mark.parametrize("variable", ["GHMLOPS_FAILON", "GHMLOPS_FAIL-ON", "ghmlops_fail_on", "GHMLOPS__FAIL_ON"])
def test_a_variable_with_other_punctuation_is_an_error(variable: str) -> None:
    """It would be ignored, so that the outcome at which a job fails would be the default."""
    with pytest.raises(InputError, match=variable) as caught:
        parse_inputs("latency", command_module("latency"), ["--url", "u"], {variable: "warn"})
    assert caught.value.hint == "did you mean GHMLOPS_FAIL_ON?"


@pytest.mark.parametrize("variable", ["GHMLOPS_WEEK", "GHMLOPS", "GHMLOPS_RUNG", "FAILON", "GHMLOPS_FAIL_ONCE"])
def test_other_variables_are_left_alone(variable: str) -> None:
    """Also those of other commands and of hooks."""
    parsed = parse_inputs("latency", command_module("latency"), ["--url", "u"], {variable: "warn"})
    assert parsed.fail_on is Outcome.FAIL
