"""Keys of builds change with what is built and where; digests with every file of a folder."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from ghmlops.measure.builds.keys import commit_key, folder_digest, machine_key


def fill(folder: Path) -> Path:
    """Write a small folder with a link and a program."""
    (folder / "tree" / "empty").mkdir(parents=True)
    (folder / "tree" / "model.bin").write_bytes(b"weights")
    (folder / "run").write_text("#!/bin/sh\n")
    (folder / "run").chmod(0o755)
    (folder / "link").symlink_to("/usr/bin/env")
    return folder


def test_equal_folders_have_one_digest(tmp_path: Path) -> None:
    """Times and the permissions of others do not count."""
    first, second = fill(tmp_path / "first"), fill(tmp_path / "second")
    os.utime(second / "run", (0, 0))
    (second / "tree" / "model.bin").chmod(0o640)
    assert folder_digest(first) == folder_digest(second)
    assert len(folder_digest(first)) == 64


def replaced(folder: Path) -> None:
    (folder / "tree" / "model.bin").write_bytes(b"Weights")


def added(folder: Path) -> None:
    (folder / "tree" / "empty" / "sitecustomize.py").touch()


def removed(folder: Path) -> None:
    (folder / "tree" / "empty").rmdir()


def executable(folder: Path) -> None:
    (folder / "tree" / "model.bin").chmod(0o744)


def redirected(folder: Path) -> None:
    (folder / "link").unlink()
    (folder / "link").symlink_to("/tmp/env")


def moved(folder: Path) -> None:
    (folder / "tree" / "model.bin").rename(folder / "model.bin")


def linked(folder: Path) -> None:
    (folder / "tree" / "model.bin").rename(folder.parent / "model.bin")
    (folder / "tree" / "model.bin").symlink_to(folder.parent / "model.bin")


@pytest.mark.parametrize("alter", [replaced, added, removed, executable, redirected, moved, linked])
def test_every_difference_changes_the_digest(tmp_path: Path, alter: Callable[[Path], None]) -> None:
    """A file, folder, link or program that differs."""
    folder = fill(tmp_path / "build")
    before = folder_digest(folder)
    alter(folder)
    assert folder_digest(folder) != before


def test_key_of_a_commit(tmp_path: Path) -> None:
    """The key follows the files of the commit, the text and the folder of the service, not the commit itself."""

    def git(*words: str) -> str:
        identity = ["-c", "user.name=t", "-c", "user.email=t@t.invalid"]
        done = subprocess.run(["git", *identity, *words], cwd=tmp_path, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    git("init", "--quiet")
    (tmp_path / "service").mkdir()
    (tmp_path / "service" / "a").write_text("1")
    git("add", "--all")
    git("commit", "--quiet", "-m", "one")
    first = git("rev-parse", "HEAD")
    git("commit", "--quiet", "--allow-empty", "-m", "same files")
    same = git("rev-parse", "HEAD")
    (tmp_path / "service" / "a").write_text("2")
    git("commit", "--quiet", "--all", "-m", "other files")
    key = commit_key(tmp_path, first, "make")
    assert len(key) == 32
    assert commit_key(tmp_path, same, "make") == key
    others = [
        commit_key(tmp_path, git("rev-parse", "HEAD"), "make"),
        commit_key(tmp_path, first, "make all"),
        commit_key(tmp_path / "service", first, "make"),
        machine_key(key, tmp_path / "x", {}),
        machine_key(key, tmp_path / "y", {}),
    ]
    assert len({key, *others}) == 6
    assert commit_key(tmp_path, "0" * 40, "make") == ""
