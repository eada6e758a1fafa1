"""The selection of commits, and the names of remote and branch: what is accepted and what is rejected."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghmlops.core.errors import InputError
from ghmlops.core.revert.spec import Spec, check_names, parse_spec

A, B = "a" * 40, "b" * 40


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (A, Spec(ids=(A,))),
        (f" {A} ", Spec(ids=(A,))),
        ("ABCDEF1", Spec(ids=("abcdef1",))),
        (f"{A},{B}", Spec(ids=(A, B))),
        (f"{A}, {B}, {A}", Spec(ids=(A, B))),
        (f"{A}..{B}", Spec(after=A, last=B)),
        ("#12", Spec(pull_request=12)),
        ("a" * 64, Spec(ids=("a" * 64,))),
    ],
)
def test_valid_selections(text: str, expected: Spec) -> None:
    """A SHA, an abbreviation of at least seven digits, a list, a range and a pull request are accepted."""
    assert parse_spec(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "main",
        "HEAD",
        "HEAD~1",
        "abc123",
        "a" * 65,
        f"{A}...{B}",
        f"{A}..",
        f"..{B}",
        f"{A},",
        f"{A};{B}",
        "#0",
        "#-1",
        "12",
        "--upload-pack=x",
        "-n",
        f"{A}\n--force",
        "#12..#13",
        "g" * 40,
        ",".join(f"{i:040x}" for i in range(51)),
    ],
)
def test_invalid_selections(text: str) -> None:
    """Names, options and malformed texts are rejected with a hint."""
    with pytest.raises(InputError) as caught:
        parse_spec(text)
    assert "input `commit`" in caught.value.message
    assert "SHA" in caught.value.hint


@given(st.text())
def test_parser_accepts_or_rejects_every_text(text: str) -> None:
    """Every text is accepted or rejected; accepted ids consist of hexadecimal digits."""
    spec, message = Spec(), ""
    try:
        spec = parse_spec(text)
    except InputError as error:
        message = error.message
    assert message.isprintable()
    assert all(c in "0123456789abcdef" for part in (*spec.ids, spec.after, spec.last) for c in part)


def test_ordinary_names_are_accepted() -> None:
    """Ordinary names of branches and remotes are accepted, and an empty branch, which stands for the default one."""
    accepted = []
    for branch in ("", "main", "release/1.x", "dependabot/npm_and_yarn/x-1.2", "feature_ä", "v1@home"):
        for remote in ("origin", "up-stream", "team/fork", "r.2"):
            check_names(remote, branch)
            accepted.append((remote, branch))
    assert len(accepted) == 24


@pytest.mark.parametrize(
    "branch",
    [
        "-f",
        "--force",
        "a b",
        "a..b",
        "a:b",
        "a^",
        "a~1",
        "a?",
        "a*",
        "a[",
        "a\\b",
        "a\nb",
        "a\x7f",
        "/a",
        "a/",
        "a//b",
        ".a",
        "a/.b",
        "a.lock",
        "a.",
        "a@{1}",
        "x" * 300,
        "a\u202eb",
    ],
)
def test_hostile_branches_are_rejected(branch: str) -> None:
    """Names that git rejects, or could interpret as something else, are rejected."""
    with pytest.raises(InputError, match="input `branch`"):
        check_names("origin", branch)


@pytest.mark.parametrize(
    "remote", ["", "-o", "--x", "a b", "../x", "a/../b", "https://x/y", "ext::sh", "x\n", "/tmp/x", "é"]
)
def test_hostile_remotes_are_rejected(remote: str) -> None:
    """Only names of remotes are accepted, no addresses and no paths."""
    with pytest.raises(InputError, match="input `remote`"):
        check_names(remote, "main")
