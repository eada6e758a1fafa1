"""The copy of the candidate's predictions: the same specification finds the same files in the copy."""

from __future__ import annotations

import dataclasses
import io
from typing import TYPE_CHECKING

import pytest

from ghmlops.commands.regression.candidate_copy import copy_candidate
from ghmlops.commands.shared.base import Services
from ghmlops.commands.shared.console import Console
from ghmlops.core.artifacts.spec import LocalSpec
from ghmlops.core.context import Context
from ghmlops.core.errors import InputError
from ghmlops.core.policy.regression import Dataset
from ghmlops.measure.predictions.artifacts.find import find_files

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def services(tmp_path: Path) -> Services:
    """Services in a folder with files of several kinds."""
    for name in ("one.parquet", "folder/a.parquet", "parts/day=1/b.parquet", "runs/7/c.parquet", "plain"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    (tmp_path / "current").symlink_to("runs/7")
    (tmp_path / "latest.parquet").symlink_to("one.parquet")

    def now() -> None:
        raise AssertionError

    console = Console(io.StringIO())
    return Services(context=Context(), environ={}, cwd=tmp_path, now=now, console=console)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "spec",
    [
        "one.parquet",
        "./one.parquet",
        "folder/*.parquet",
        "parts",
        "part?/**",
        "current",
        "latest.parquet",
        "plain",
        "runs/*/c.parquet",
    ],
)
def test_the_copy_is_found_by_the_same_specification(services: Services, spec: str) -> None:
    """A file, a pattern, a folder behind a link, a link to a file, and a name without an ending."""
    copy_candidate([Dataset(candidate=(spec,))], "copy", services)
    original = [path.read_bytes() for path in find_files(LocalSpec(pattern=spec), services.cwd).files]
    copied = [path.read_bytes() for path in find_files(LocalSpec(pattern=spec), services.cwd / "copy").files]
    assert sorted(copied) == sorted(original)
    assert original


@pytest.mark.parametrize("spec", ["../x.parquet", "/etc/hostname", "artifact:a@main", "s3://bucket/x.parquet"])
def test_nothing_outside_of_the_working_directory_is_copied(services: Services, spec: str) -> None:
    """It is named in a note, and the other data sets are copied."""
    stream = io.StringIO()
    services = dataclasses.replace(services, console=Console(stream))
    copy_candidate(
        [Dataset(name="a", candidate=(spec,)), Dataset(name="b", candidate=("one.parquet",))], "copy", services
    )
    assert [path.name for path in (services.cwd / "copy").rglob("*")] == ["one.parquet"]
    assert spec in stream.getvalue()


def test_a_folder_that_cannot_be_written_is_named(services: Services) -> None:
    """A file in place of the folder is an error of the input."""
    with pytest.raises(InputError) as error:
        copy_candidate([Dataset(candidate=("one.parquet",))], "plain", services)
    assert "plain" in error.value.message
