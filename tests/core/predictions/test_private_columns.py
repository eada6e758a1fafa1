"""Columns that the trusted policy keeps private remain private, whatever a change calls them."""

from __future__ import annotations

import msgspec
import pytest

from ghmlops.core.errors import PolicyError
from ghmlops.core.policy.regression import Regression
from ghmlops.core.predictions.private_columns import keep_private

SECTION = Regression(task="binary", key=("id",), label="y", score="p", slices=(("email",),), private=("email",))
FILE = "policy.yml"


def change(**fields: object) -> Regression:
    """Return the section of a change that drops the private column."""
    return msgspec.structs.replace(SECTION, **({"private": ()} | fields))


@pytest.mark.parametrize(
    ("fields", "private"),
    [
        ({}, ("email",)),
        ({"private": ("age",)}, ("age", "email")),
        ({"slices": ()}, ("email",)),
        ({"slices": (("mail",),), "renamed": {"baseline": {"mail": "email"}}}, ("email", "mail")),
        ({"key": ("mail",), "renamed": {"candidate": {"mail": "email"}}}, ("email", "mail")),
    ],
)
def test_the_lists_of_both_policies_count(fields: dict[str, object], private: tuple[str, ...]) -> None:
    """A column that the change drops, or calls by another name, is still private."""
    assert keep_private(change(**fields), SECTION, FILE).private_columns == private


def test_the_trusted_policy_may_call_it_by_another_name() -> None:
    """The name in the artifact counts."""
    trusted = msgspec.structs.replace(SECTION, private=("mail",), renamed={"baseline": {"mail": "email"}})
    assert set(keep_private(change(), trusted, FILE).private_columns) == {"mail", "email"}


@pytest.mark.parametrize(
    "fields",
    [
        {"label": "email"},
        {"score": "", "prediction": "email"},
        {"score": "mail", "renamed": {"candidate": {"mail": "email"}}},
        {"time": "email", "window": "1d"},
    ],
)
def test_a_private_column_is_not_judged(fields: dict[str, object]) -> None:
    """The verdict would be about its values, or windows would have them as names."""
    with pytest.raises(PolicyError, match="private"):
        keep_private(change(**fields), SECTION, FILE)


@pytest.mark.parametrize("trusted", [None, change(), SECTION])
def test_without_another_list_nothing_changes(trusted: Regression | None) -> None:
    """No trusted policy, none with private columns, or the same one."""
    section = SECTION if trusted is SECTION else change()
    assert keep_private(section, trusted, FILE) is section
