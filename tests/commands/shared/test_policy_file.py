"""A policy that is missing: the message names the one of a parent folder or with the other ending."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ghmlops.commands.shared.policy_file import load_policy
from ghmlops.core.errors import PolicyError

if TYPE_CHECKING:
    from pathlib import Path

NAME = ".github/ghmlops.yml"


def hint(folder: Path) -> str:
    """Return the hint about the missing policy of a folder."""
    with pytest.raises(PolicyError) as caught:
        load_policy(folder / NAME, NAME)
    return caught.value.hint


def test_a_policy_of_a_parent_folder_is_named(tmp_path: Path) -> None:
    """The nearest one is named relative to the folder of the command, and is not used."""
    (tmp_path / ".git").mkdir()
    (tmp_path / ".github").mkdir()
    (tmp_path / NAME).write_text("version: 1\nservice: shop\n")
    deep = tmp_path / "services/scorer"
    deep.mkdir(parents=True)
    assert f"--policy ../../{NAME}" in hint(deep)
    (tmp_path / "services/.github").mkdir()
    (tmp_path / "services" / NAME).write_text("version: 1\nservice: scorer\n")
    assert f"--policy ../{NAME}" in hint(deep)


@pytest.mark.parametrize(("present", "missing"), [("yaml", "yml"), ("yml", "yaml")])
def test_a_policy_with_the_other_ending_is_named(tmp_path: Path, present: str, missing: str) -> None:
    """GitHub accepts both endings for its own files, so that either is a likely name."""
    (tmp_path / f"policy.{present}").write_text("version: 1\nservice: shop\n")
    with pytest.raises(PolicyError) as caught:
        load_policy(tmp_path / f"policy.{missing}", f"policy.{missing}")
    assert f"--policy policy.{present}" in caught.value.hint


def test_the_search_ends_at_the_top_of_the_repository(tmp_path: Path) -> None:
    """A policy above the repository belongs to another one, and is not named."""
    (tmp_path / ".github").mkdir()
    (tmp_path / NAME).write_text("version: 1\nservice: shop\n")
    folder = tmp_path / "checkout"
    (folder / ".git").mkdir(parents=True)
    assert "--policy" not in hint(folder)


def test_an_empty_name_is_one_sentence(tmp_path: Path) -> None:
    """It is not taken for the folder."""
    with pytest.raises(PolicyError, match="empty"):
        load_policy(tmp_path / "", "")
