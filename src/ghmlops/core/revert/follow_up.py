"""What is left to do after a revert, as one output of a step: a later job with other permissions does it. Pure."""

from __future__ import annotations

import msgspec

from ghmlops.core.context import is_sha
from ghmlops.core.errors import InputError, NeedsPerson
from ghmlops.core.model import Frozen
from ghmlops.core.revert.notices import CONFLICTS
from ghmlops.core.revert.spec import check_names

DEPLOYABLE = ("reverted", "partly-reverted", "already-reverted")
"""States after which the branch is to be deployed."""
MAX_CHARACTERS = 10_000
"""Characters of the text; a conflict names at most ten paths."""


class FollowUp(Frozen, frozen=True, kw_only=True):
    """What is left: a deployment of `sha`, or an issue about a conflict.

    Attributes:
        state: State of the revert.
        branch: The branch that it was about; empty after a refusal for the default branch.
        commit: The input `commit`.
        sha: Tip of the branch with the revert; empty after a refusal.
        reason_code: Why it was refused; empty if it was not.
        message: The same as a sentence.
        hint: What a person can do.
    """

    state: str
    branch: str
    commit: str
    sha: str = ""
    reason_code: str = ""
    message: str = ""
    hint: str = ""

    def refusal(self) -> NeedsPerson:
        """Return the refusal that it is about."""
        return NeedsPerson(self.message, hint=self.hint, reason_code=self.reason_code)


def encode_follow_up(follow_up: FollowUp) -> str:
    """Return the text of the output; empty if nothing is left to do."""
    if not follow_up.sha and follow_up.reason_code not in CONFLICTS:
        return ""
    return msgspec.json.encode(follow_up).decode()


def parse_follow_up(text: str) -> FollowUp:
    """Return what the text of the output says.

    Raises:
        InputError: It is not the output of a revert.
    """
    try:
        return _checked(msgspec.json.decode(text[: MAX_CHARACTERS + 1], type=FollowUp))
    except ValueError as error:
        raise InputError(
            f"input `follow-up`: not the output `follow-up` of a revert: {str(error)[:200]}",
            hint="pass `${{ steps.<id>.outputs.follow-up }}` of the step, or the output of its job, as it is",
        ) from None


def _checked(follow_up: FollowUp) -> FollowUp:
    """Return the value.

    Raises:
        ValueError: It names neither a revert nor a conflict.
        InputError: The name of the branch is not valid.
    """
    check_names("origin", follow_up.branch)
    deployable = is_sha(follow_up.sha) and bool(follow_up.branch) and follow_up.state in DEPLOYABLE
    if not deployable and (follow_up.sha or follow_up.reason_code not in CONFLICTS):
        raise ValueError("it names neither a revert nor a conflict")
    return follow_up
