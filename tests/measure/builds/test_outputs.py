"""The files of a build: their fingerprint, and the files elsewhere that must not change."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from ghmlops.core.artifacts.spec import LocalSpec
from ghmlops.core.errors import DataError
from ghmlops.measure.builds.outputs import files_of, snapshot

if TYPE_CHECKING:
    from pathlib import Path


def test_the_fingerprint_depends_on_names_and_bytes_only(tmp_path: Path) -> None:
    """It is equal in another folder, and differs with another name or another byte."""
    fingerprints = []
    for folder, name, text in (
        ("a", "x.parquet", "1"),
        ("b", "x.parquet", "1"),
        ("c", "y.parquet", "1"),
        ("d", "x.parquet", "2"),
    ):
        (tmp_path / folder / "out").mkdir(parents=True)
        (tmp_path / folder / "out" / name).write_text(text)
        fingerprints.append(files_of((LocalSpec(pattern="out"),), (tmp_path / folder).resolve()).fingerprint())
    assert fingerprints[0] == fingerprints[1]
    assert len(set(fingerprints)) == 3


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    """The artifact must be in the folder of the build: the message names it."""
    folder = (tmp_path / "build").resolve()
    folder.mkdir()
    (tmp_path / "x.parquet").write_text("1")
    (folder / "x.parquet").symlink_to(tmp_path / "x.parquet")
    with pytest.raises(DataError, match=r"^x\.parquet: "):
        files_of((LocalSpec(pattern="x.parquet"),), folder)


def test_a_file_that_is_written_again_has_another_state(tmp_path: Path) -> None:
    """A snapshot contains untracked files and the artifacts, and differs after a file was replaced by an equal one."""
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True, timeout=30)
    (tmp_path / ".gitignore").write_text("*.parquet\n")
    (tmp_path / "x.parquet").write_text("1")
    before = snapshot(tmp_path, (LocalSpec(pattern="x.parquet"),))
    assert {os.path.basename(name) for name in before} == {".gitignore", "x.parquet"}
    (tmp_path / "new").write_text("1")
    (tmp_path / "new").replace(tmp_path / "x.parquet")
    after = snapshot(tmp_path, (LocalSpec(pattern="x.parquet"),))
    assert [os.path.basename(name) for name in before if before[name] != after[name]] == ["x.parquet"]


def test_a_subfolder_of_a_checkout_watches_all_of_it(tmp_path: Path) -> None:
    """The build of one service of a repository may change neither its own folder nor that of another one."""
    folder = tmp_path / "services" / "shop"
    folder.mkdir(parents=True)
    (tmp_path / "services" / "search.txt").write_text("1")
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.com"]
    for arguments in (["init", "--quiet"], ["add", "."], [*identity, "commit", "--quiet", "-m", "Start"]):
        subprocess.run(["git", *arguments], cwd=tmp_path, check=True, timeout=30)
    assert snapshot(folder, ()) == {}
    (tmp_path / "services" / "search.txt").write_text("changed by the build")
    (folder / "new.txt").write_text("1")
    after = snapshot(folder, ())
    assert {(folder / name).resolve() for name in after} == {
        (tmp_path / "services" / "search.txt").resolve(),
        (folder / "new.txt").resolve(),
    }
