"""A history that others wrote to: what is damaged, foreign or lost is named."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from ghmlops.act.folded_records import write_folded
from ghmlops.core.errors import GitError
from ghmlops.core.history.place import encode_record, fold_path, record_path
from ghmlops.measure import record_branch
from ghmlops.measure.record_branch import BranchHistory, read_folded, read_history
from git_scene import Scene, make_scene
from history_records import OTHER, deployment

if TYPE_CHECKING:
    from pathlib import Path

BRANCH = "ghmlops-history"
FIRST, SECOND = deployment(), deployment(commit=OTHER)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """A remote and a clone."""
    return make_scene(tmp_path)


def push(scene: Scene, files: dict[str, bytes], *, force: bool = False) -> None:
    """Replace the branch by an orphan commit (`force`), or add files to it."""
    clone = scene.clone(f"writer-{len(list(scene.home.iterdir()))}")
    if force:
        clone.git("checkout", "--quiet", "--orphan", BRANCH)
        clone.git("rm", "-rfq", ".")
    else:
        clone.git("checkout", "--quiet", BRANCH)
    for name, content in files.items():
        path = clone.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    clone.commit("x", {})
    clone.git("push", "--quiet", "--force", "origin", BRANCH)


def read(scene: Scene) -> BranchHistory:
    now = datetime(2026, 12, 20, tzinfo=UTC)
    return read_history(scene.work.folder, scene.work.environ, remote="origin", branch=BRANCH, token="", now=now)


def codes(scene: Scene) -> list[str]:
    return [problem.code for problem in read(scene).history.problems]


def test_no_branch_is_an_empty_history(scene: Scene) -> None:
    """And an unknown remote is an error."""
    assert read(scene) == ((((), ())), "")
    scene.work.git("remote", "set-url", "origin", "file:///nowhere.git")
    with pytest.raises(GitError):
        read(scene)


def test_files_that_do_not_count_are_named(scene: Scene) -> None:
    """A damaged record, a damaged fold, a foreign file: the good record counts."""
    good = {record_path(FIRST): encode_record(FIRST)}
    bad = {
        record_path(SECOND): encode_record(FIRST),
        "folded/2026-10-0123456789abcdef.parquet": b"PAR1",
        fold_path("2026-09", b"no Parquet"): b"no Parquet",
        "notes.txt": b"x",
    }
    push(scene, {**good, **bad}, force=True)
    history = read(scene).history
    assert [item.record for item in history.records] == [FIRST]
    assert {problem.path for problem in history.problems} == set(bad)
    assert sorted(codes(scene)) == ["history-foreign-file", *["record-damaged"] * 3]


def test_a_record_in_a_fold_is_checked_too(scene: Scene) -> None:
    """A Parquet file whose row was forged names the record."""
    forged = encode_record(FIRST).replace(b"allowed", b"refused")
    fold = write_folded({record_path(FIRST): forged, record_path(SECOND): encode_record(SECOND)})
    push(scene, {fold_path("2026-11", fold): fold}, force=True)
    history = read(scene).history
    assert [item.record for item in history.records] == [SECOND]
    assert [(p.code, p.path) for p in history.problems] == [("record-damaged", record_path(FIRST))]


def test_a_rewritten_branch_is_named_until_it_is_accepted(scene: Scene) -> None:
    """The clone that read the lost record names it at every reading; growth is no rewriting."""
    push(scene, {record_path(FIRST): encode_record(FIRST)}, force=True)
    assert codes(scene) == []
    push(scene, {"records/x": b""})
    assert codes(scene) == ["history-foreign-file"]
    push(scene, {record_path(SECOND): encode_record(SECOND)}, force=True)
    for _ in range(2):
        assert codes(scene) == ["history-rewritten"]
    assert [item.record for item in read(scene).history.records] == [SECOND]
    scene.work.git("update-ref", "-d", f"refs/ghmlops-read/origin/{BRANCH}")
    assert codes(scene) == []


def test_a_deleted_branch_is_named(scene: Scene) -> None:
    """It is not an empty history to a clone that read it."""
    push(scene, {record_path(FIRST): encode_record(FIRST)}, force=True)
    read(scene)
    scene.remote.git("update-ref", "-d", f"refs/heads/{BRANCH}")
    assert codes(scene) == ["history-rewritten"]


def test_what_is_no_fold() -> None:
    """Other bytes raise an error that the caller names."""
    with pytest.raises(ValueError, match="Parquet"):
        read_folded(b"PAR1")


def test_a_reader_of_the_newest_records_is_bounded(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest loose records count; damaged, folded and foreign files are skipped."""
    records = [deployment(f"2026-11-{day:02d}T10:00:00+00:00") for day in range(1, 6)]
    files = {record_path(record): encode_record(record) for record in records}
    push(scene, {**files, record_path(SECOND): b"{}", "notes.txt": b"x", fold_path("2026-09", b"y"): b"y"}, force=True)
    monkeypatch.setattr(record_branch, "MAX_RECENT", 3)
    place = {"remote": "origin", "branch": BRANCH, "token": "", "now": datetime(2026, 12, 20, tzinfo=UTC)}
    newest = record_branch.read_recent(scene.work.folder, scene.work.environ, timeout=60.0, **place)  # type: ignore[arg-type]
    assert [item.record for item in newest] == records[2:]
    place["branch"] = "absent"
    assert record_branch.read_recent(scene.work.folder, scene.work.environ, timeout=60.0, **place) == ()  # type: ignore[arg-type]


def local(scene: Scene) -> list[object] | None:
    """Return what the clone has of the history, without its remote."""
    url = scene.work.git("remote", "get-url", "origin")
    scene.work.git("remote", "set-url", "origin", "file:///nowhere.git")
    now = datetime(2026, 12, 20, tzinfo=UTC)
    history = record_branch.read_local(scene.work.folder, scene.work.environ, branch=BRANCH, now=now, timeout=60.0)
    scene.work.git("remote", "set-url", "origin", url)
    return None if history is None else [item.record for item in history.records]


def test_what_the_clone_has_is_read_without_the_remote(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing, a local branch, what was read last, the branch of the remote: the newest commit counts; all bounded."""
    assert local(scene) is None
    files = {record_path(FIRST): encode_record(FIRST)}
    push(scene, {**files, "notes.txt": b"x"}, force=True)
    assert local(scene) is None
    scene.work.git("fetch", "--quiet", "--refmap=", "origin", f"{BRANCH}:{BRANCH}")
    monkeypatch.setenv("GIT_COMMITTER_DATE", "2030-01-01T00:00:00Z")
    assert local(scene) == [FIRST]
    third = deployment("2026-11-05T10:00:00+00:00", commit=OTHER)
    push(scene, {record_path(third): encode_record(third)})
    read(scene)
    assert local(scene) == [FIRST, third]
    monkeypatch.setenv("GIT_COMMITTER_DATE", "2030-01-02T00:00:00Z")
    fourth = deployment("2026-11-06T10:00:00+00:00", commit=OTHER)
    push(scene, {record_path(fourth): encode_record(fourth)})
    scene.work.git("fetch", "--quiet", "origin", f"{BRANCH}:refs/remotes/origin/{BRANCH}")
    assert local(scene) == [FIRST, third, fourth]
    monkeypatch.setattr(record_branch, "MAX_RECENT", 2)
    assert local(scene) == [third, fourth]
