"""Turns error responses of GitHub into errors that say how to fix the cause. No I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING

import requests

from ghmlops.clients.retry import TRANSIENT_STATUSES, is_rate_limit
from ghmlops.core.errors import GitHubError, PermissionMissing
from ghmlops.core.text.redaction import redact

if TYPE_CHECKING:
    from ghmlops.clients.github.transport import Rejected

MESSAGE_LIMIT = 200
"""Maximum characters of a message of GitHub that are repeated."""
PERMISSION_PHRASES = ("not accessible by", "must have", "permission", "not granted", "not authorized")
"""Phrases in GitHub's messages about insufficient tokens; other 403 responses (archived repository) lack them."""


class UnknownResult(GitHubError):
    """A write failed in a way that leaves open whether GitHub performed it."""

    @classmethod
    def of(cls, error: GitHubError) -> UnknownResult:
        """Return the error about the same failure."""
        return cls(error.message, hint=error.hint, reason_code=error.reason_code)


def rate_limited(error: Rejected) -> bool:
    """Return whether GitHub rejected a request because of a rate limit, primary or secondary."""
    return is_rate_limit(error.status, error.headers, response_message(error, ""))


def response_error(error: Rejected, *, activity: str, permission: str, secret: str) -> GitHubError:
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
            f"GitHub did not accept the request while {activity}: {message} ({status})",
            hint="fix what it names",
            reason_code="github-refused",
        )
    if status in TRANSIENT_STATUSES:
        return GitHubError(
            f"GitHub failed repeatedly while {activity}: {message} ({status})",
            hint="run the job again; no write is repeated",
            reason_code="github-unavailable",
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


def rate_limit_error(delay: float, remaining: float, *, activity: str) -> GitHubError:
    """Return the error for a rate limit that is not waited for.

    Args:
        delay: Seconds until the next try would be possible.
        remaining: Seconds until the deadline of the command.
        activity: What the request does, as it follows "while".
    """
    return GitHubError(
        f"GitHub's rate limit was reached while {activity}; the next try is possible in {delay:.0f} s, and "
        f"{max(remaining, 0.0):.0f} s remain of the time limit of this command",
        hint="run the job again later; the token of a GitHub App has a separate limit",
        reason_code="rate-limited",
    )


def time_error(*, activity: str, uncertain: bool) -> GitHubError:
    """Return the error for a request that is not sent, because the deadline of the command has passed.

    Args:
        activity: What the request does, as it follows "while".
        uncertain: Whether an earlier try may have taken effect.
    """
    error = GitHubError(
        f"the time limit of this command for GitHub's API passed before {activity}",
        hint="run the job again; if GitHub is slow, https://www.githubstatus.com shows it",
        reason_code="github-time-limit",
    )
    return UnknownResult.of(error) if uncertain else error


def unexpected_response_error(api_url: str, *, activity: str) -> GitHubError:
    """Return the error for a response that is truncated or not one of GitHub's API."""
    return GitHubError(
        f"{api_url} sent a response while {activity} that is truncated, or not one of GitHub's API",
        hint="check GITHUB_API_URL, and whether a proxy or a sign-in page answers instead of GitHub",
        reason_code="github-odd-answer",
    )


def unreachable_error(failure: requests.RequestException, *, api_url: str, activity: str, secret: str) -> GitHubError:
    """Return the error for a connection that could not be opened, or broke.

    Args:
        failure: The exception of the connection.
        api_url: Address of the API.
        activity: What the request does, as it follows "while".
        secret: The token, which is redacted.
    """
    problem = "did not respond in time" if isinstance(failure, requests.Timeout) else "cannot be reached"
    return GitHubError(
        f"{api_url} {problem} while {activity}: {clean_message(str(failure), secret)}",
        hint="check the network, and GITHUB_API_URL on an enterprise server; then run the job again",
        reason_code="github-unreachable",
    )


def response_message(error: Rejected, secret: str) -> str:
    """Return GitHub's own message on one line, truncated and without the token."""
    body = error.body if isinstance(error.body, dict) else {}
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
