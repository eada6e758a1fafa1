"""A repository with one commit for each test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from git_sandbox import Repo

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def repository(tmp_path: Path) -> Repo:
    """A repository with one commit on `main` and a remote with credentials in its address."""
    repo = Repo(tmp_path / "repository")
    repo.folder.mkdir()
    repo.git("init", "--quiet", "--initial-branch=main")
    repo.commit("Begin", {"a.txt": "https://me:hunter2secret@example.com/\n"})
    repo.git("remote", "add", "origin", "https://me:hunter2secret@example.com/acme/shop.git")
    return repo
