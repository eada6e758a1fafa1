"""Parsing the response of a remote to a push; the texts are those of git and GitHub."""

from __future__ import annotations

import pytest

from ghmlops.act.git.publish import parse_push
from ghmlops.core.revert.push_result import PushResult

REF = "refs/heads/main"
DONE, MOVED, PROTECTED = PushResult.DONE, PushResult.MOVED, PushResult.PROTECTED
FORBIDDEN, UNKNOWN = PushResult.FORBIDDEN, PushResult.UNKNOWN


def row(flag: str, summary: str) -> str:
    """Return a line of `git push --porcelain`."""
    return f"To https://github.com/acme/shop\n{flag}\tabc:{REF}\t{summary}\nDone\n"


@pytest.mark.parametrize(
    ("exit_code", "stdout", "stderr", "expected"),
    [
        (0, row(" ", "1..2"), "", DONE),
        (0, row("=", "[up to date]"), "", DONE),
        (0, row("*", "[new branch]"), "", DONE),
        (1, row("!", "[rejected] (fetch first)"), "error: failed to push some refs", MOVED),
        (1, row("!", "[rejected] (non-fast-forward)"), "", MOVED),
        (
            1,
            row("!", "[remote rejected] (cannot lock ref 'refs/heads/main': is at 1 but expected 2)"),
            "",
            MOVED,
        ),
        (1, row("!", "[remote rejected] (failed to update ref)"), "", MOVED),
        (1, row("!", "[remote rejected] (incorrect old value provided)"), "", MOVED),
        (
            1,
            row("!", "[remote rejected] (protected branch hook declined)"),
            "remote: error: GH006: x",
            PROTECTED,
        ),
        (1, row("!", "[remote rejected] (pre-receive hook declined)"), "", PROTECTED),
        (1, row("!", "[remote rejected] (push declined due to repository rule violations)"), "", PROTECTED),
        (128, "", "fatal: unable to access 'https://x/': The requested URL returned error: 403", FORBIDDEN),
        (128, "", "remote: Permission to acme/shop.git denied to github-actions[bot].", FORBIDDEN),
        (128, "", "remote: Write access to repository not granted.", FORBIDDEN),
        (128, "", "ERROR: Permission to acme/shop.git denied to deploy key", FORBIDDEN),
        (128, "", "fatal: unable to access 'https://x/': Could not resolve host: x", UNKNOWN),
        (1, "", "", UNKNOWN),
        (128, row(" ", "1..2"), "fatal: the remote end hung up unexpectedly", UNKNOWN),
        (0, f" \tabc:{REF}-other\t1..2\n", "", UNKNOWN),
        (1, row("!", "[no match]"), "", UNKNOWN),
    ],
)
def test_each_response_has_one_result(exit_code: int, stdout: str, stderr: str, expected: PushResult) -> None:
    """Only an unambiguous response for exactly this branch counts; otherwise the result is unknown."""
    assert parse_push(exit_code, stdout, stderr, REF)[0] == expected


def test_message_of_the_remote_is_one_line() -> None:
    """The message of the remote is returned on one printable line of at most 600 characters."""
    stderr = (
        "remote: error: GH006: Protected branch\x1b[31m\nremote: \nremote: - reviews needed\nnoise\n"
        + "remote: x\n" * 900
    )
    _, message = parse_push(1, row("!", "[remote rejected] (hook declined)"), stderr, REF)
    assert message.startswith("[remote rejected] (hook declined) error: GH006: Protected branch [31m - reviews needed")
    assert message.isprintable()
    assert len(message) <= 600
