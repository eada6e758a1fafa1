"""What GitHub's refusals mean: wait, try again, or an error that says what to mend. No I/O."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from ghmlops.core.errors import GitHubError, PermissionMissing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from github import GithubException

FIRST_WAIT = 60.0
"""Seconds; doubled each time where GitHub names no time (its own advice for secondary limits)."""
LONGEST_WAIT = 900.0
"""Seconds in one go; a limit that ends later than that stops the command."""
LIMIT_TRIES = 4
SHORTEST_SECRET = 8
"""Characters; real tokens have 40 and more, and hiding a letter would only garble a message."""
LACKING = ("not accessible by", "must have", "permission", "not granted", "not authorized")
"""Parts of GitHub's words for a token that is too weak; others (an archived repository) are worded otherwise."""
TRANSIENT = (500, 502, 503, 504)
TRANSIENT_WAITS = (1.0, 2.0, 4.0)
"""Seconds between the tries after a broken answer or connection."""


def limited(error: GithubException) -> bool:
    """True where GitHub refused because of a rate limit, primary or secondary."""
    status, headers, message = error.status, error.headers or {}, words(error, "")
    if status == 429:
        return True
    exhausted = str(headers.get("x-ratelimit-remaining", "")) == "0"
    return status == 403 and ("retry-after" in headers or exhausted or "rate limit" in message.lower())


def wait_for_limit(headers: Mapping[str, Any], attempt: int) -> float:
    """Return seconds until the next try: `retry-after`, else the reset time, else 60 s doubled by attempt (from 0).

    The reset time is compared with the answer's own date, so that a wrong clock here does no harm.
    """
    after = str(headers.get("retry-after", ""))
    if after.isdigit():
        return float(after)
    reset = str(headers.get("x-ratelimit-reset", ""))
    if str(headers.get("x-ratelimit-remaining", "")) == "0" and reset.isdigit():
        try:
            answered = parsedate_to_datetime(str(headers["date"])).timestamp()
        except (KeyError, ValueError):
            return FIRST_WAIT
        return max(1.0, float(reset) - answered + 1.0)
    return FIRST_WAIT * 2.0**attempt


def explain(error: GithubException, *, doing: str, need: str, secret: str) -> GitHubError:
    """Turn a final refusal into this project's error.

    Args:
        error: what GitHub answered.
        doing: what was tried, after "while", e.g. `writing the comment`.
        need: the permission that this needs, as a workflow spells it: `pull-requests: write`.
        secret: the token, kept out of the text.
    """
    status, said = error.status, words(error, secret)
    if status == 401:
        return GitHubError(
            f"GitHub refused the token while {doing}: {said} (401)",
            hint="the token is expired, mistyped or for another server; pass `token: ${{ github.token }}`",
            reason_code="bad-token",
        )
    if status == 403:
        return _forbidden(said, doing=doing, need=need)
    if status == 404:
        return GitHubError(
            f"GitHub found nothing there while {doing}: {said} (404)",
            hint=f"check the repository and the number; a private repository also hides from a token without `{need}`",
            reason_code="not-found",
        )
    if status in (409, 422):
        return GitHubError(f"GitHub did not accept it while {doing}: {said} ({status})", hint="mend what it names")
    if status in TRANSIENT:
        return GitHubError(
            f"GitHub kept failing while {doing}: {said} ({status})", hint="run the job again; nothing is done twice"
        )
    return GitHubError(f"GitHub refused while {doing}: {said} ({status})")


def _forbidden(said: str, *, doing: str, need: str) -> GitHubError:
    if "not permitted to create or approve pull requests" in said:
        return PermissionMissing(
            f"the repository forbids workflows to open pull requests, found while {doing}: {said} (403)",
            hint="allow it under Settings, Actions, General (`Allow GitHub Actions to create and approve pull "
            "requests`), or pass the token of a GitHub App",
        )
    if any(word in said.lower() for word in LACKING):
        return PermissionMissing(
            f"the token lacks the permission `{need}`, found while {doing}: {said} (403)",
            hint=f"add to the job `permissions: {{contents: read, {need}}}` beside what it has; runs for forks and "
            "Dependabot are read-only, so write from a `workflow_run` workflow",
        )
    return GitHubError(
        f"GitHub forbade it while {doing}: {said} (403)",
        hint=f"mend what it names; the token needs `{need}`",
        reason_code="forbidden",
    )


def rate_limited(wait: float, *, doing: str) -> GitHubError:
    """Return the error of a rate limit that will not be waited for."""
    return GitHubError(
        f"GitHub's rate limit was reached while {doing}, and does not end within {LONGEST_WAIT:.0f} s "
        f"(next try in {wait:.0f} s)",
        hint="run the job again later; a token of a GitHub App has a limit of its own",
        reason_code="rate-limited",
    )


def words(error: GithubException, secret: str) -> str:
    """Return GitHub's own words on one line, cut, without the token."""
    body = error.data if isinstance(error.data, dict) else {}
    parts = [str(body.get("message") or "no reason given")]
    listed = body.get("errors")
    for detail in (listed if isinstance(listed, list) else [])[:3]:
        text = detail.get("message") or detail.get("code") if isinstance(detail, dict) else detail
        field = f"{detail['field']}: " if isinstance(detail, dict) and detail.get("field") else ""
        parts.append(f"{field}{text}")
    return clean("; ".join(parts), secret)


def clean(text: str, secret: str) -> str:
    """Return `text` on one line of at most 200 characters, without `secret`."""
    hidden = text.replace(secret, "***") if len(secret) >= SHORTEST_SECRET else text
    return " ".join(hidden.split())[:200]
