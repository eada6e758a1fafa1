"""Turns error responses of GitHub into errors that say how to fix the cause. No I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.clients.retry import MAX_RATE_LIMIT_DELAY, TRANSIENT_STATUSES, is_rate_limit
from ghmlops.core.errors import GitHubError, PermissionMissing
from ghmlops.core.text.redaction import redact

if TYPE_CHECKING:
    from github import GithubException

MESSAGE_LIMIT = 200
"""Maximum characters of a message of GitHub that are repeated."""
PERMISSION_PHRASES = ("not accessible by", "must have", "permission", "not granted", "not authorized")
"""Phrases in GitHub's messages about insufficient tokens; other 403 responses (archived repository) lack them."""


def rate_limited(error: GithubException) -> bool:
    """Return whether GitHub rejected a request because of a rate limit, primary or secondary."""
    return is_rate_limit(error.status, error.headers or {}, response_message(error, ""))


def response_error(error: GithubException, *, activity: str, permission: str, secret: str) -> GitHubError:
    """Return the error for a response that is not retried.

    Args:
        error: The response of GitHub.
        activity: What the request does, as it follows "while": `writing the comment`.
        permission: The permission that the request requires, as written in a workflow: `pull-requests: write`.
        secret: The token, which is redacted.
    """
    status, message = error.status, response_message(error, secret)
    if status == 401:
        return GitHubError(
            f"GitHub rejected the token while {activity}: {message} (401)",
            hint="the token is expired, mistyped or for another server; pass `token: ${{ github.token }}`",
            reason_code="bad-token",
        )
    if status == 403:
        return _forbidden(message, activity=activity, permission=permission)
    if status == 404:
        return GitHubError(
            f"GitHub answered Not Found while {activity}: {message} (404)",
            hint="check the repository and the number; for a token without "
            f"`{permission}`, GitHub also reports a private repository as not found",
            reason_code="not-found",
        )
    if status in (409, 422):
        return GitHubError(
            f"GitHub did not accept the request while {activity}: {message} ({status})", hint="fix what it names"
        )
    if status in TRANSIENT_STATUSES:
        return GitHubError(
            f"GitHub failed repeatedly while {activity}: {message} ({status})",
            hint="run the job again; no write is repeated",
        )
    return GitHubError(f"GitHub rejected the request while {activity}: {message} ({status})")


def _forbidden(message: str, *, activity: str, permission: str) -> GitHubError:
    if "not permitted to create or approve pull requests" in message:
        return PermissionMissing(
            f"the repository does not allow workflows to open pull requests, found while {activity}: {message} (403)",
            hint="allow it under Settings, Actions, General (`Allow GitHub Actions to create and approve pull "
            "requests`), or pass the token of a GitHub App",
        )
    if any(phrase in message.lower() for phrase in PERMISSION_PHRASES):
        return PermissionMissing(
            f"the token lacks the permission `{permission}`, found while {activity}: {message} (403)",
            hint=f"add `permissions: {{contents: read, {permission}}}` to the job, in addition to its other "
            "permissions; runs for forks and Dependabot are read-only, so write from a `workflow_run` workflow",
        )
    return GitHubError(
        f"GitHub answered Forbidden while {activity}: {message} (403)",
        hint=f"fix what it names; the token needs `{permission}`",
        reason_code="forbidden",
    )


def rate_limit_error(delay: float, *, activity: str) -> GitHubError:
    """Return the error for a rate limit that is not waited for.

    Args:
        delay: Seconds until the next try would be possible.
        activity: What the request does, as it follows "while".
    """
    return GitHubError(
        f"GitHub's rate limit was reached while {activity}, and does not end within {MAX_RATE_LIMIT_DELAY:.0f} s "
        f"(next try in {delay:.0f} s)",
        hint="run the job again later; the token of a GitHub App has a separate limit",
        reason_code="rate-limited",
    )


def response_message(error: GithubException, secret: str) -> str:
    """Return GitHub's own message on one line, truncated and without the token."""
    body = error.data if isinstance(error.data, dict) else {}
    parts = [str(body.get("message") or "no reason given")]
    details = body.get("errors")
    for detail in (details if isinstance(details, list) else [])[:3]:
        text = detail.get("message") or detail.get("code") if isinstance(detail, dict) else detail
        field = f"{detail['field']}: " if isinstance(detail, dict) and detail.get("field") else ""
        parts.append(f"{field}{text}")
    return clean_message("; ".join(parts), secret)


def clean_message(text: str, secret: str) -> str:
    """Return `text` on one line of at most `MESSAGE_LIMIT` characters, with `secret` redacted."""
    return " ".join(redact(text, (secret,)).split())[:MESSAGE_LIMIT]
