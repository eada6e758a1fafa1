"""Read-only queries of the working copy."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from ghmlops.measure import checkout
from git_sandbox import Repo

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def repository(tmp_path: Path) -> Repo:
    """A repository with one commit."""
    repo = Repo(tmp_path / "repository")
    repo.folder.mkdir()
    repo.git("init", "--quiet", "--initial-branch=main")
    repo.commit("Begin", {"a.txt": "a\n"})
    return repo


def test_head_is_the_commit_that_is_checked_out(repository: Repo, tmp_path: Path) -> None:
    """The full SHA of HEAD; an empty string outside a repository."""
    assert checkout.head_sha(repository.folder) == repository.git("rev-parse", "HEAD")
    assert checkout.head_sha(tmp_path) == ""


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("https://github.com/acme/shop.git", "acme/shop"),
        ("https://user:secret@github.com/acme/shop", "acme/shop"),
        ("git@github.com:acme/shop.git", "acme/shop"),
        ("ssh://git@github.com/acme/shop/", "acme/shop"),
        ("nowhere", ""),
    ],
)
def test_repository_name_of_the_remote(repository: Repo, address: str, name: str) -> None:
    """`owner/name` is parsed from every usual form of address."""
    assert checkout.repository_name(repository.folder) == ""
    repository.git("remote", "add", "origin", address)
    assert checkout.repository_name(repository.folder) == name


def test_git_variables_are_ignored(repository: Repo, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A query is about the folder, whatever repository the variables of git name."""
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    expected = (repository.folder / ".git" / "refs" / "heads" / "main").read_text().strip()
    assert checkout.head_sha(repository.folder) == expected


def test_failing_query_is_empty(repository: Repo) -> None:
    """The output of a query is trimmed, and empty if the command fails."""
    assert checkout.git_read(repository.folder, "show", "HEAD:a.txt") == "a"
    assert checkout.git_read(repository.folder, "show", "HEAD:missing.txt") == ""


def test_environment_is_the_first_lock_file(tmp_path: Path) -> None:
    """The fingerprint is that of the first lock file in the documented order; empty without one."""
    assert checkout.environment_fingerprint(tmp_path) == ""
    for name in ("requirements.txt", "poetry.lock"):
        (tmp_path / name).write_text(name)
    digest = hashlib.sha256(b"poetry.lock").hexdigest()
    assert checkout.environment_fingerprint(tmp_path) == f"sha256:{digest}"


def test_changed_files(repository: Repo) -> None:
    """Files between two commits, with both paths of a renamed one and any name; unknown commits give no list."""
    base = checkout.head_sha(repository.folder)
    repository.commit("Add", {"new\nline.txt": "b\n", "dir/ü.txt": "c\n"})
    repository.git("mv", "a.txt", "b.txt")
    repository.git("commit", "--quiet", "--message", "Move")
    head = checkout.head_sha(repository.folder)
    names = frozenset({"new\nline.txt", "dir/ü.txt", "a.txt", "b.txt"})
    assert checkout.changed_files(repository.folder, base, head) == names
    assert checkout.changed_files(repository.folder / "dir", base, head) == names
    assert checkout.changed_files(repository.folder, base, base) == frozenset()
    assert checkout.changed_files(repository.folder, "1" * 40, head) is None
    assert checkout.changed_files(repository.folder, "--output=x", head) is None


def test_uncommitted_files(repository: Repo, tmp_path: Path) -> None:
    """Edited, new, staged and removed files; ignored ones do not count, and outside a repository it is unknown."""
    repository.commit("Add", {"b.txt": "b\n", ".gitignore": "*.log\n"})
    assert checkout.uncommitted_files(repository.folder) == frozenset()
    (repository.folder / "a.txt").write_text("changed\n")
    (repository.folder / "b.txt").unlink()
    (repository.folder / "x.log").write_text("ignored\n")
    (repository.folder / "dir").mkdir()
    (repository.folder / "dir/new name.txt").write_text("new\n")
    assert checkout.uncommitted_files(repository.folder) == frozenset({"a.txt", "b.txt", "dir/new name.txt"})
    assert checkout.uncommitted_files(tmp_path) is None
