"""Placeholders of the policy: values in a command, quoted variables in shell text."""

from __future__ import annotations

import subprocess

import pytest

from ghmlops.core.text.placeholders import fill, shell_text

WORKDIR = "/a b/$(touch pwned)/'\""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("run {sha} --port {port}", "run abc --port {port}"),
        ("${sha} {other} {sha}", "${sha} {other} abc"),
        ("", ""),
    ],
)
def test_a_command_receives_values(text: str, expected: str) -> None:
    """Known placeholders are replaced; the variables of a shell and placeholders without a value stay."""
    assert fill(text, {"sha": "abc"}) == expected


@pytest.mark.parametrize(
    "text",
    [
        "printf %s {workdir}",
        'printf %s "{workdir}"',
        "printf %s ''{workdir}''",
        "printf %s '{workdir}'",
        "# it's {workdir}\nprintf %s {workdir}",
        "printf %s {workdir} # don't",
        'x=\\"; printf %s {workdir}',
        'printf %s "${PREVIEW_WORKDIR}"',
    ],
)
def test_a_value_is_never_shell_text(text: str) -> None:
    """Bash passes the value on as one word wherever the placeholder stands, and runs nothing that is in it."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", shell_text(text)],
        env={"PREVIEW_WORKDIR": WORKDIR, "PREVIEW_SHA": "abc", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    )
    assert done.stdout == WORKDIR


def test_shell_variables_stay() -> None:
    """`${sha}` is a variable of the user."""
    assert shell_text("echo ${sha} ${workdir}") == "echo ${sha} ${workdir}"
