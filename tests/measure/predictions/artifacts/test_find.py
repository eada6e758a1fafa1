"""Paths, folders and patterns on this machine are resolved to files."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from ghmlops.core.artifacts.spec import LocalSpec
from ghmlops.core.errors import DataError
from ghmlops.measure.predictions.artifacts import find as find_module
from ghmlops.measure.predictions.artifacts.find import ArtifactFiles, find_files, join_files

if TYPE_CHECKING:
    from pathlib import Path


def make(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"# text" if name.endswith(".md") else b"PAR1")


def find(root: Path, pattern: str) -> ArtifactFiles:
    return find_files(LocalSpec(pattern=pattern), root)


def names(artifact: ArtifactFiles, root: Path) -> list[str]:
    return [str(file.relative_to(root.resolve())) for file in artifact.files]


def test_named_file_may_have_any_name(tmp_path: Path) -> None:
    """A file that is named itself needs no suffix, may be hidden, absolute, or reached through a link."""
    make(tmp_path, "_preds.bin", "data/x.parquet")
    (tmp_path / "link").symlink_to("data/x.parquet")
    assert names(find(tmp_path, "_preds.bin"), tmp_path) == ["_preds.bin"]
    assert names(find(tmp_path, "link"), tmp_path) == ["data/x.parquet"]
    assert names(find(tmp_path / "data", str(tmp_path / "_preds.bin")), tmp_path) == ["_preds.bin"]
    assert find(tmp_path, "data/x.parquet").hive_root is None


def test_folder_gives_its_parquet_files_in_order(tmp_path: Path) -> None:
    """Files of all levels are sorted; files that Spark and Hive add to the data are ignored."""
    make(tmp_path, "p/b.parquet", "p/a.parquet", "p/sub/c.parq", "p/_SUCCESS", "p/.a.parquet.crc", "p/README.md")
    make(tmp_path, "p/_temporary/0/d.parquet", "p/.staging/e.parquet")
    artifact = find(tmp_path, "p/")
    assert names(artifact, tmp_path) == ["p/a.parquet", "p/b.parquet", "p/sub/c.parq"]
    assert (artifact.hive_root, artifact.display_name) == (None, "p/")


def test_partitions_of_a_folder_are_columns(tmp_path: Path) -> None:
    """With `key=value` folders below the named folder, that folder is the Hive root."""
    make(
        tmp_path,
        "p/date=2026-01-01/city=New%20York/a.parquet",
        "p/date=2026-01-02/city=__HIVE_DEFAULT_PARTITION__/b.pq",
    )
    artifact = find(tmp_path, "p")
    root = (tmp_path / "p").resolve()
    assert artifact.hive_root == root


def test_partitions_above_the_root_are_not_columns(tmp_path: Path) -> None:
    """A partition that is part of the user's path is a selection, not a column; one that a pattern matches is."""
    make(tmp_path, "p/date=1/a.parquet")
    assert find(tmp_path, "p/date=1").hive_root is None
    assert find(tmp_path, "p/date=1/*.parquet").hive_root is None
    assert find(tmp_path, "p/date=*/*.parquet").hive_root == (tmp_path / "p").resolve()


def test_patterns_match_within_and_across_folders(tmp_path: Path) -> None:
    """`*` matches within a folder, `**` across folders, and a matching folder means all files below it."""
    make(tmp_path, "p/a.parquet", "p/x/b.parquet", "p/x/y/c.parquet", "q/d.parquet")
    assert names(find(tmp_path, "p/*.parquet"), tmp_path) == ["p/a.parquet"]
    assert names(find(tmp_path, "p/**/*.parquet"), tmp_path) == ["p/a.parquet", "p/x/b.parquet", "p/x/y/c.parquet"]
    assert names(find(tmp_path, "p/x*"), tmp_path) == ["p/x/b.parquet", "p/x/y/c.parquet"]
    assert names(find(tmp_path / "p", "../[q]/*"), tmp_path) == ["q/d.parquet"]


def test_existing_name_is_literal(tmp_path: Path) -> None:
    """Brackets and stars in the name of an existing file or folder are not a pattern."""
    make(tmp_path, "run[1]/a.parquet", "run1/b.parquet", "x*.parquet", "xy.parquet")
    assert names(find(tmp_path, "run[1]"), tmp_path) == ["run[1]/a.parquet"]
    assert names(find(tmp_path, "run[1]/*.parquet"), tmp_path) == ["run[1]/a.parquet"]
    assert names(find(tmp_path, "x*.parquet"), tmp_path) == ["x*.parquet"]


def test_links_within_the_folder_add_no_files(tmp_path: Path) -> None:
    """A link to a file of the folder adds no file, and circular links terminate."""
    make(tmp_path, "p/a.parquet", "p/x/b.parquet")
    (tmp_path / "p" / "again.parquet").symlink_to("a.parquet")
    (tmp_path / "p" / "x" / "up").symlink_to("..")
    assert names(find(tmp_path, "p"), tmp_path) == ["p/a.parquet", "p/x/b.parquet"]
    assert names(find(tmp_path, "p/**/*.parquet"), tmp_path) == ["p/a.parquet", "p/x/b.parquet"]


def test_files_of_a_mounted_volume_are_read(tmp_path: Path) -> None:
    """Files that are links into a hidden folder next to them, as in Kubernetes volumes, are read."""
    make(tmp_path, "p/..2026/a.parquet")
    (tmp_path / "p" / "..data").symlink_to("..2026")
    (tmp_path / "p" / "a.parquet").symlink_to("..data/a.parquet")
    assert names(find(tmp_path, "p"), tmp_path) == ["p/..2026/a.parquet"]


def _empty(_: Path) -> None:
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
    (_empty, "p", "p: no such file or folder"),
    (_empty, "p/x.parquet", "p/x.parquet: no such file or folder"),
    (_empty, "p/*.parquet", "no such file or folder"),
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


@pytest.mark.parametrize(("prepare", "pattern", "message"), BAD, ids=lambda v: getattr(v, "__name__", None))
def test_unusable_path_is_a_data_error_with_a_hint(tmp_path: Path, prepare: object, pattern: str, message: str) -> None:
    """Missing, outside, special and ambiguous files are one data error with a message of one line and a hint."""
    assert callable(prepare)
    prepare(tmp_path)
    with pytest.raises(DataError, match=message) as excinfo:
        find(tmp_path, pattern)
    assert "\n" not in excinfo.value.message
    assert excinfo.value.hint


def test_data_files_without_a_suffix_are_read(tmp_path: Path) -> None:
    """Hive, Athena, Impala and Trino write no suffix: the magic number decides, also within partitions."""
    make(tmp_path, "p/date=1/000000_0", "p/date=2/000001_0", "p/date=2/a.PARQUET", "p/date=2/notes.md")
    artifact = find(tmp_path, "p")
    assert names(artifact, tmp_path) == ["p/date=1/000000_0", "p/date=2/000001_0", "p/date=2/a.PARQUET"]
    assert artifact.hive_root == (tmp_path / "p").resolve()
    assert names(find(tmp_path, "p/date=*"), tmp_path) == names(artifact, tmp_path)
    assert names(find(tmp_path, "p/date=2/*"), tmp_path) == ["p/date=2/000001_0", "p/date=2/a.PARQUET"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("000001_0", b""),
        ("b.csv", b"id,y,p\n"),
        ("b.parquet.gz", b"\x1f\x8b\x08\x00"),
        ("b.parquet.tmp", b"PAR1"),
        ("x/bucket_b", b"ORC\x00"),
    ],
)
def test_a_file_that_could_be_data_is_rejected_by_name(tmp_path: Path, name: str, content: bytes) -> None:
    """No part of a folder is left out silently; naming the Parquet files by a pattern is the user's decision."""
    make(tmp_path, "p/a.parquet", f"p/{name}")
    (tmp_path / "p" / name).write_bytes(content)
    with pytest.raises(DataError, match=name.rpartition("/")[2]):
        find(tmp_path, "p")
    assert names(find(tmp_path, "p/*.parquet"), tmp_path) == ["p/a.parquet"]


@pytest.mark.parametrize(
    "marker", ["_delta_log/0.json", ".hoodie/hoodie.properties", "_spark_metadata/0", "metadata/v1.metadata.json"]
)
@pytest.mark.parametrize("pattern", ["t", "t/**/*.parquet", "t/data", "t/data/*.parquet", ".", "t/data/day=1"])
def test_table_formats_are_rejected_from_every_side(tmp_path: Path, marker: str, pattern: str) -> None:
    """The folder of the table, one above it, one within it and patterns: deleted rows are never compared."""
    make(tmp_path, f"t/{marker}", "t/data/a.parquet", "t/data/day=1/b.parquet")
    with pytest.raises(DataError, match="no longer part of it"):
        find(tmp_path, pattern)


def test_a_folder_that_is_called_metadata_is_no_table(tmp_path: Path) -> None:
    """Only the files that Iceberg writes into it make a table."""
    make(tmp_path, "t/metadata/schema.md", "t/a.parquet")
    assert names(find(tmp_path, "t"), tmp_path) == ["t/a.parquet"]


def test_link_that_does_not_match_is_ignored(tmp_path: Path) -> None:
    """A link out of the folder to a file that is not Parquet is ignored."""
    make(tmp_path, "p/a.parquet", "README.md")
    (tmp_path / "p" / "README.md").symlink_to("../README.md")
    assert names(find(tmp_path, "p"), tmp_path) == ["p/a.parquet"]


def test_number_of_files_and_entries_is_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """More files or directory entries than the limits are an error instead of a long search."""
    make(tmp_path, *(f"p/{n}.parquet" for n in range(12)))
    monkeypatch.setattr(find_module, "MAX_FILES", 12)
    assert len(find(tmp_path, "p").files) == 12
    monkeypatch.setattr(find_module, "MAX_FILES", 11)
    with pytest.raises(DataError, match="more than 11 files"):
        find(tmp_path, "p")
    monkeypatch.setattr(find_module, "MAX_ENTRIES", 10)
    with pytest.raises(DataError, match="more than 10 directory entries"):
        find(tmp_path, "p/*.txt")


def test_several_specs_form_one_artifact(tmp_path: Path) -> None:
    """Files of several specs are one artifact without duplicates; partitions are those below the common folder."""
    make(tmp_path, "p/date=1/c=1/a.parquet", "p/date=2/c=1/b.parquet", "q/a.parquet")
    both = join_files([find(tmp_path, "p/date=1"), find(tmp_path, "p/date=2"), find(tmp_path, "p/date=*")], "three")
    plain = join_files([find(tmp_path, "q/a.parquet"), find(tmp_path, "q")], "two")
    assert names(both, tmp_path) == ["p/date=1/c=1/a.parquet", "p/date=2/c=1/b.parquet"]
    assert (both.hive_root, both.display_name) == ((tmp_path / "p").resolve(), "three")
    assert (names(plain, tmp_path), plain.hive_root) == (["q/a.parquet"], None)


def test_specs_with_different_partitions_are_rejected(tmp_path: Path) -> None:
    """A file without the partitions of the other files cannot be part of the same artifact."""
    make(tmp_path, "r/p/date=1/a.parquet", "r/a.parquet", "q/b.parquet")
    for other in ("r/*.parquet", "**/[ab].parquet", "q"):
        with pytest.raises(DataError, match="partitions differ between files"):
            join_files([find(tmp_path, "r/p"), find(tmp_path, other)], "both")
