"""Private columns of two policies: a change keeps private what the trusted policy keeps private."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ghmlops.core.errors import PolicyError
from ghmlops.core.policy.regression import ROLES

if TYPE_CHECKING:
    from ghmlops.core.policy.regression import Regression


def keep_private(section: Regression, trusted: Regression | None, policy_file: str) -> Regression:
    """Return the section with the private columns of the trusted policy in addition to its own.

    A column counts by its names in the artifacts, so that another name in the policy (`renamed`) shows no value either.

    Args:
        section: Section `regression` of the policy that judges.
        trusted: That of the trusted policy; `None` if it has none.
        policy_file: Path of the policy, for the message.

    Raises:
        PolicyError: The section judges such a column, so that the verdict would be about its values.
    """
    if trusted is None or trusted == section or not trusted.private_columns:
        return section
    names = {name for column in trusted.private_columns for name in _names(trusted, column)}
    columns = _columns(section)
    same = [column for column in columns if not names.isdisjoint(_names(section, column))]
    judged = [column for column in section.judged_columns if column in same]
    if section.window and section.time in same:
        judged.append(section.time)
    if judged:
        raise PolicyError(
            f"{policy_file}: `{judged[0]}` is private in the policy of the baseline's commit, so it cannot be judged",
            hint="remove it from `private` in a change of its own first",
        )
    withheld = dict.fromkeys((*trusted.private_columns, *same))
    return msgspec.structs.replace(section, withheld=tuple(name for name in withheld if name not in section.private))


def _names(section: Regression, column: str) -> set[str]:
    """Return the names by which the policy and the artifacts call a column."""
    return {column, *(section.column(role, column) for role in ROLES)}


def _columns(section: Regression) -> tuple[str, ...]:
    """Return every column whose values a report could contain."""
    single = (section.time, section.group, section.query, section.weight)
    several = (*section.key, *section.slice_columns, *section.features, *section.changed.show)
    return tuple(name for name in dict.fromkeys((*single, *several, *section.judged_columns)) if name)
