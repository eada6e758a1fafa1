"""Reading what a remote answers to a push; the texts are those of git and GitHub."""

from __future__ import annotations

import pytest

from ghmlops.act.git.publish import Push, read_push

REF = "refs/heads/main"


def row(flag: str, summary: str) -> str:
    """Return a line of `git push --porcelain`."""
    return f"To https://github.com/acme/shop\n{flag}\tabc:{REF}\t{summary}\nDone\n"


@pytest.mark.parametrize(
    ("code", "out", "err", "expected"),
    [
        (0, row(" ", "1..2"), "", Push.DONE),
        (0, row("=", "[up to date]"), "", Push.DONE),
        (0, row("*", "[new branch]"), "", Push.DONE),
        (1, row("!", "[rejected] (fetch first)"), "error: failed to push some refs", Push.MOVED),
        (1, row("!", "[rejected] (non-fast-forward)"), "", Push.MOVED),
        (1, row("!", "[remote rejected] (cannot lock ref 'refs/heads/main': is at 1 but expected 2)"), "", Push.MOVED),
        (1, row("!", "[remote rejected] (failed to update ref)"), "", Push.MOVED),
        (1, row("!", "[remote rejected] (incorrect old value provided)"), "", Push.MOVED),
        (1, row("!", "[remote rejected] (protected branch hook declined)"), "remote: error: GH006: x", Push.PROTECTED),
        (1, row("!", "[remote rejected] (pre-receive hook declined)"), "", Push.PROTECTED),
        (1, row("!", "[remote rejected] (push declined due to repository rule violations)"), "", Push.PROTECTED),
        (128, "", "fatal: unable to access 'https://x/': The requested URL returned error: 403", Push.FORBIDDEN),
        (128, "", "remote: Permission to acme/shop.git denied to github-actions[bot].", Push.FORBIDDEN),
        (128, "", "remote: Write access to repository not granted.", Push.FORBIDDEN),
        (128, "", "ERROR: Permission to acme/shop.git denied to deploy key", Push.FORBIDDEN),
        (128, "", "fatal: unable to access 'https://x/': Could not resolve host: x", Push.UNKNOWN),
        (1, "", "", Push.UNKNOWN),
        (128, row(" ", "1..2"), "fatal: the remote end hung up unexpectedly", Push.UNKNOWN),
        (0, f" \tabc:{REF}-other\t1..2\n", "", Push.UNKNOWN),
        (1, row("!", "[no match]"), "", Push.UNKNOWN),
    ],
)
def test_each_answer_has_one_meaning(code: int, out: str, err: str, expected: Push) -> None:
    """Only a clear answer for exactly this branch counts; everything else is looked up."""
    assert read_push(code, out, err, REF)[0] == expected


def test_the_remotes_words_are_kept_on_one_line() -> None:
    """What the remote said comes through, printable and bounded."""
    err = (
        "remote: error: GH006: Protected branch\x1b[31m\nremote: \nremote: - reviews needed\nnoise\n"
        + "remote: x\n" * 900
    )
    _, said = read_push(1, row("!", "[remote rejected] (hook declined)"), err, REF)
    assert said.startswith("[remote rejected] (hook declined) error: GH006: Protected branch [31m - reviews needed")
    assert said.isprintable()
    assert len(said) <= 600
