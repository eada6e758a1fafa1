"""From names on this machine to files."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from ghmlops.core.artifacts.spec import LocalSpec
from ghmlops.core.errors import DataError
from ghmlops.measure.predictions.artifacts import find as sources
from ghmlops.measure.predictions.artifacts.find import ArtifactFiles, find_files, join_files

if TYPE_CHECKING:
    from pathlib import Path


def make(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"PAR1")


def find(root: Path, pattern: str) -> ArtifactFiles:
    return find_files(LocalSpec(pattern=pattern), root)


def names(found: ArtifactFiles, root: Path) -> list[str]:
    return [str(file.relative_to(root.resolve())) for file in found.files]


def test_a_file_is_taken_whatever_it_is_called(tmp_path: Path) -> None:
    """A file that is named itself counts, without the suffix, hidden, by absolute path and through a link."""
    make(tmp_path, "_preds.bin", "data/x.parquet")
    (tmp_path / "link").symlink_to("data/x.parquet")
    assert names(find(tmp_path, "_preds.bin"), tmp_path) == ["_preds.bin"]
    assert names(find(tmp_path, "link"), tmp_path) == ["data/x.parquet"]
    assert names(find(tmp_path / "data", str(tmp_path / "_preds.bin")), tmp_path) == ["_preds.bin"]
    assert find(tmp_path, "data/x.parquet").hive_root is None


def test_a_folder_gives_its_parquet_files_sorted(tmp_path: Path) -> None:
    """All levels, sorted; what Spark and Hive put beside the data is passed over."""
    make(tmp_path, "p/b.parquet", "p/a.parquet", "p/sub/c.parq", "p/_SUCCESS", "p/.a.parquet.crc", "p/README.md")
    make(tmp_path, "p/_temporary/0/d.parquet", "p/.staging/e.parquet")
    found = find(tmp_path, "p/")
    assert names(found, tmp_path) == ["p/a.parquet", "p/b.parquet", "p/sub/c.parq"]
    assert (found.hive_root, found.display_name) == (None, "p/")


def test_partitions_of_a_folder_are_columns(tmp_path: Path) -> None:
    """Folders called `key=value` beneath the named one are columns."""
    make(
        tmp_path,
        "p/date=2026-01-01/city=New%20York/a.parquet",
        "p/date=2026-01-02/city=__HIVE_DEFAULT_PARTITION__/b.pq",
    )
    found = find(tmp_path, "p")
    root = (tmp_path / "p").resolve()
    assert found.hive_root == root


def test_partitions_above_the_root_are_no_columns(tmp_path: Path) -> None:
    """What the user named is the root: a partition that is part of the name is a choice, not a column."""
    make(tmp_path, "p/date=1/a.parquet")
    assert find(tmp_path, "p/date=1").hive_root is None
    assert find(tmp_path, "p/date=1/*.parquet").hive_root is None
    assert find(tmp_path, "p/date=*/*.parquet").hive_root == (tmp_path / "p").resolve()


def test_patterns(tmp_path: Path) -> None:
    """`*` stays in a folder, `**` does not, and a folder that matches stands for what lies beneath it."""
    make(tmp_path, "p/a.parquet", "p/x/b.parquet", "p/x/y/c.parquet", "q/d.parquet")
    assert names(find(tmp_path, "p/*.parquet"), tmp_path) == ["p/a.parquet"]
    assert names(find(tmp_path, "p/**/*.parquet"), tmp_path) == ["p/a.parquet", "p/x/b.parquet", "p/x/y/c.parquet"]
    assert names(find(tmp_path, "p/x*"), tmp_path) == ["p/x/b.parquet", "p/x/y/c.parquet"]
    assert names(find(tmp_path / "p", "../[q]/*"), tmp_path) == ["q/d.parquet"]


def test_a_name_that_exists_is_literal(tmp_path: Path) -> None:
    """Brackets and stars of an existing name have no other meaning."""
    make(tmp_path, "run[1]/a.parquet", "run1/b.parquet", "x*.parquet", "xy.parquet")
    assert names(find(tmp_path, "run[1]"), tmp_path) == ["run[1]/a.parquet"]
    assert names(find(tmp_path, "run[1]/*.parquet"), tmp_path) == ["run[1]/a.parquet"]
    assert names(find(tmp_path, "x*.parquet"), tmp_path) == ["x*.parquet"]


def test_links_inside_count_once(tmp_path: Path) -> None:
    """A link to a file of the folder adds no rows, and links in a circle end."""
    make(tmp_path, "p/a.parquet", "p/x/b.parquet")
    (tmp_path / "p" / "again.parquet").symlink_to("a.parquet")
    (tmp_path / "p" / "x" / "up").symlink_to("..")
    assert names(find(tmp_path, "p"), tmp_path) == ["p/a.parquet", "p/x/b.parquet"]
    assert names(find(tmp_path, "p/**/*.parquet"), tmp_path) == ["p/a.parquet", "p/x/b.parquet"]


def test_a_mounted_volume(tmp_path: Path) -> None:
    """Volumes whose files are links into a hidden folder beside them (as Kubernetes mounts) are read."""
    make(tmp_path, "p/..2026/a.parquet")
    (tmp_path / "p" / "..data").symlink_to("..2026")
    (tmp_path / "p" / "a.parquet").symlink_to("..data/a.parquet")
    assert names(find(tmp_path, "p"), tmp_path) == ["p/..2026/a.parquet"]


def _nothing(_: Path) -> None:
    return


def _outside_file(root: Path) -> None:
    make(root, "p/a.parquet", "secret.parquet")
    (root / "p" / "b.parquet").symlink_to("../secret.parquet")


def _outside_folder(root: Path) -> None:
    make(root, "p/a.parquet", "other/b.parquet")
    (root / "p" / "x").symlink_to(root / "other")


def _broken(root: Path) -> None:
    make(root, "p/a.parquet")
    (root / "p" / "b.parquet").symlink_to("gone.parquet")


def _circle(root: Path) -> None:
    (root / "p").mkdir()
    (root / "p" / "b.parquet").symlink_to("b.parquet")


def _fifo(root: Path) -> None:
    make(root, "p/a.parquet")
    os.mkfifo(root / "p" / "b.parquet")


def _named_fifo(root: Path) -> None:
    os.mkfifo(root / "p")


def _named_broken(root: Path) -> None:
    (root / "p").symlink_to("gone")


def _without(root: Path) -> None:
    make(root, "p/readme.md", "p/_x.parquet")


def _mixed(root: Path) -> None:
    make(root, "p/date=1/a.parquet", "p/b.parquet")


def _other_order(root: Path) -> None:
    make(root, "p/a=1/b=1/a.parquet", "p/b=1/a=1/a.parquet")


def _twice(root: Path) -> None:
    make(root, "p/a=1/a=2/a.parquet")


def _delta(root: Path) -> None:
    make(root, "p/a.parquet", "p/_delta_log/0.json")


BAD = [
    (_nothing, "p", "p: no such file or folder"),
    (_nothing, "p/x.parquet", "p/x.parquet: no such file or folder"),
    (_nothing, "p/*.parquet", "no such file or folder"),
    (_without, "p", "the folder contains no Parquet file"),
    (_without, "p/*.parquet", "no file matches"),
    (_outside_file, "p", "b.parquet is a link that leads out of the folder"),
    (_outside_file, "p/*.parquet", "b.parquet is a link that leads out of the folder"),
    (_outside_folder, "p", "x is a link that leads out of the folder"),
    (_broken, "p", "b.parquet is a broken link"),
    (_circle, "p", "b.parquet is a broken link"),
    (_named_broken, "p", "p: a broken link"),
    (_fifo, "p", "b.parquet is a pipe or a device"),
    (_named_fifo, "p", "p: a pipe or a device"),
    (_mixed, "p", r"partitions differ between files: b.parquet \(none\) and date=1/a.parquet \(date\)"),
    (_other_order, "p", "partitions differ between files"),
    (_twice, "p", "partitions differ between files"),
    (_delta, "p", "a Delta table"),
]


@pytest.mark.parametrize(("prepare", "pattern", "words"), BAD, ids=lambda v: getattr(v, "__name__", None))
def test_what_cannot_be_used_is_one_clear_line(tmp_path: Path, prepare: object, pattern: str, words: str) -> None:
    """What is missing, leads elsewhere, is no file, or would be read wrongly is one data error with a hint."""
    assert callable(prepare)
    prepare(tmp_path)
    with pytest.raises(DataError, match=words) as caught:
        find(tmp_path, pattern)
    assert "\n" not in caught.value.message
    assert caught.value.hint


def test_a_link_that_is_not_meant_does_no_harm(tmp_path: Path) -> None:
    """A link out of the folder to something that is no Parquet file is passed over like the thing itself."""
    make(tmp_path, "p/a.parquet", "README.md")
    (tmp_path / "p" / "README.md").symlink_to("../README.md")
    assert names(find(tmp_path, "p"), tmp_path) == ["p/a.parquet"]


def test_too_much_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """More files, or more names to look at, than the bounds is an error and not a long wait."""
    make(tmp_path, *(f"p/{n}.parquet" for n in range(12)))
    monkeypatch.setattr(sources, "MAX_FILES", 12)
    assert len(find(tmp_path, "p").files) == 12
    monkeypatch.setattr(sources, "MAX_FILES", 11)
    with pytest.raises(DataError, match="more than 11 files"):
        find(tmp_path, "p")
    monkeypatch.setattr(sources, "MAX_ENTRIES", 10)
    with pytest.raises(DataError, match="more than 10 directory entries"):
        find(tmp_path, "p/*.txt")


def test_several_specs_become_one(tmp_path: Path) -> None:
    """Files of several specs are one artifact, each once; partitions are those beneath what they have in common."""
    make(tmp_path, "p/date=1/c=1/a.parquet", "p/date=2/c=1/b.parquet", "q/a.parquet")
    both = join_files([find(tmp_path, "p/date=1"), find(tmp_path, "p/date=2"), find(tmp_path, "p/date=*")], "three")
    plain = join_files([find(tmp_path, "q/a.parquet"), find(tmp_path, "q")], "two")
    assert names(both, tmp_path) == ["p/date=1/c=1/a.parquet", "p/date=2/c=1/b.parquet"]
    assert (both.hive_root, both.display_name) == ((tmp_path / "p").resolve(), "three")
    assert (names(plain, tmp_path), plain.hive_root) == (["q/a.parquet"], None)


def test_specs_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    """A file without the others' partitions cannot be part of one artifact with them."""
    make(tmp_path, "r/p/date=1/a.parquet", "r/a.parquet", "q/b.parquet")
    for other in ("r/*.parquet", "**/[ab].parquet", "q"):
        with pytest.raises(DataError, match="partitions differ between files"):
            join_files([find(tmp_path, "r/p"), find(tmp_path, other)], "both")
