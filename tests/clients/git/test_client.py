"""The git client: redaction, exact output of queries, and errors with git's own message."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ghmlops.clients.git.client import Git, open_repository
from ghmlops.core.errors import GitError

if TYPE_CHECKING:
    from pathlib import Path

    from git_sandbox import Repo


def test_outputs_are_redacted(repository: Repo) -> None:
    """Credentials in addresses and declared secrets do not appear in the outputs."""
    git = open_repository(repository.folder, repository.environ)
    assert git.read("remote", "get-url", "origin") == "https://example.com/acme/shop.git"
    secretive = Git(cwd=git.cwd, environ=git.environ, secrets=("acme/shop",))
    assert secretive.read("remote", "get-url", "origin") == "https://example.com/***.git"


def test_a_subfolder_is_not_the_root_of_paths(repository: Repo) -> None:
    """Paths are those of the repository in a subfolder, too: `ls-tree` there would list nothing of the top."""
    folder = repository.folder / "services/shop"
    folder.mkdir(parents=True)
    git = open_repository(folder, repository.environ)
    assert git.cwd.samefile(repository.folder)
    assert git.read("ls-tree", "HEAD", "--", "a.txt")
    assert git.read("log", "--format=%H", "HEAD", "--", "a.txt")


def test_query_returns_the_exact_output(repository: Repo) -> None:
    """A query is data, so nothing in its output is redacted; a failing query returns `None`."""
    git = open_repository(repository.folder, repository.environ)
    assert git.query("show", "HEAD:a.txt") == "https://me:hunter2secret@example.com/\n"
    assert git.query("show", "HEAD:missing.txt") is None


def test_error_contains_the_message_of_git(repository: Repo) -> None:
    """A command that must succeed raises an error with the subcommand and git's own message."""
    git = open_repository(repository.folder, repository.environ)
    with pytest.raises(GitError, match=r"git cat-file: fatal: .*missing") as caught:
        git.read("cat-file", "-e", "missing")
    assert caught.value.hint


def test_folder_without_a_repository(tmp_path: Path, repository: Repo) -> None:
    """A folder outside of a repository is an error with a hint."""
    with pytest.raises(GitError) as caught:
        open_repository(tmp_path, repository.environ)
    assert "checkout" in caught.value.hint
