"""The tree of errors. One catch site, in `cli.py`, turns them into one line and an exit code.

GhmlopsError                 exit 2, reason code `error`
├── InputError               an input of the command (flag, variable, action input)
├── PolicyError              the policy file
├── DataError                a file the user handed in: payloads, predictions, event
├── EvidenceError            an evidence or verdict file
├── ServiceError             a service under test could not be reached or started
├── GitError                 git, or a remote
├── GitHubError              the API of GitHub
│   └── PermissionMissing    the token lacks a permission; it is named
└── NeedsPerson              exit 1: done safely up to here, a person must decide
"""

from __future__ import annotations


class GhmlopsError(Exception):
    """Something the user can mend: what happened and why (`message`), and what to do (`hint`).

    Args:
        message: one sentence, without trailing full stop: where and what.
        hint: one sentence that says how to mend it.
        reason_code: kebab-case code for machines (output `reason-code`).
    """

    exit_code = 2
    default_reason = "error"

    def __init__(self, message: str, *, hint: str = "", reason_code: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.reason_code = reason_code or self.default_reason


class InputError(GhmlopsError):
    """An input of the command is missing or malformed."""

    default_reason = "bad-input"


class PolicyError(GhmlopsError):
    """The policy file cannot be read as a policy."""

    default_reason = "bad-policy"


class DataError(GhmlopsError):
    """A file handed in by the user (payloads, predictions, event) cannot be used."""

    default_reason = "bad-data"


class EvidenceError(GhmlopsError):
    """An evidence or verdict file is missing, foreign, stale or malformed."""

    default_reason = "bad-evidence"


class ServiceError(GhmlopsError):
    """A service under test could not be started or reached."""

    default_reason = "service-unreachable"


class GitError(GhmlopsError):
    """git failed, or a remote cannot be reached."""

    default_reason = "git-failed"


class GitHubError(GhmlopsError):
    """The API of GitHub refused or did not answer."""

    default_reason = "github-failed"


class PermissionMissing(GitHubError):
    """The token lacks a permission; the message names it."""

    default_reason = "permission-missing"


class NeedsPerson(GhmlopsError):
    """Nothing is broken and nothing was changed, but a person must decide (exit 1)."""

    exit_code = 1
    default_reason = "needs-person"


def nearest(word: str, known: list[str] | tuple[str, ...]) -> str:
    """Return a hint that names the entry of `known` closest to `word`, and the whole list when it is short."""
    import difflib

    close = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    listed = ", ".join(f"`{k}`" for k in known)
    if close:
        return f"did you mean `{close[0]}`? Known here: {listed}"
    return f"known here: {listed}"
