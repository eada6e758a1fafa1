"""The exceptions of ghmlops. `cli` catches them in one place and turns each into one line and an exit code.

GhmlopsError                 exit 2, reason code `error`
├── InputError               an input of the command (flag, variable, action input)
├── PolicyError              the policy file
├── DataError                a file of the user: payloads, predictions, event
├── EvidenceError            an evidence or verdict file
├── ServiceError             a service under test could not be reached or started
├── GitError                 git, or a remote
├── GitHubError              the GitHub API
│   └── PermissionMissing    the token lacks a permission; the message names it
└── NeedsPerson              exit 1: nothing was changed, a person must decide
"""

from __future__ import annotations


class GhmlopsError(Exception):
    """A problem that the user can fix: what happened and why (`message`), and what to do (`hint`).

    Args:
        message: One sentence without a full stop: where the problem is and what it is.
        hint: One sentence that says how to fix it.
        reason_code: Machine-readable code in kebab case (the output `reason-code`).
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
    """A file of the user (payloads, predictions, event) cannot be used."""

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
    """The GitHub API refused the request or did not answer."""

    default_reason = "github-failed"


class PermissionMissing(GitHubError):
    """The token lacks a permission; the message names it."""

    default_reason = "permission-missing"


class NeedsPerson(GhmlopsError):
    """Nothing was changed and a person must decide (exit code 1)."""

    exit_code = 1
    default_reason = "needs-person"


def nearest(word: str, options: list[str] | tuple[str, ...]) -> str:
    """Return a hint that lists the valid options and, if one of them resembles `word`, suggests it."""
    import difflib

    similar = difflib.get_close_matches(word, options, n=1, cutoff=0.5)
    listing = ", ".join(f"`{option}`" for option in options)
    if similar:
        return f"did you mean `{similar[0]}`? Valid here: {listing}"
    return f"valid here: {listing}"
