"""Which files are read from the baseline's commit."""

from __future__ import annotations

from pathlib import Path

import pytest

from ghmlops.commands.shared.trusted_inputs import TrustedInputs, repository_path


@pytest.fixture
def trusted(tmp_path: Path) -> TrustedInputs:
    """A work tree of the base with a policy and data, and a checkout with a subfolder."""
    for folder in ("base/data/parts", "top/sub", "top/data"):
        (tmp_path / folder).mkdir(parents=True)
    for file in ("base/policy.yml", "base/data/a.parquet", "base/data/parts/b.parquet", "top/data/c.parquet"):
        (tmp_path / file).write_text("x")
    (tmp_path / "base/linked").symlink_to("data")
    return TrustedInputs(root=tmp_path / "base", top=(tmp_path / "top").resolve())


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("data/a.parquet", "data/a.parquet"),
        ("./data/../data/a.parquet", "data/a.parquet"),
        ("data", "data"),
        ("data/*.parquet", "data/*.parquet"),
        ("data/**/b.parquet", "data/**/b.parquet"),
        ("linked/a.parquet", "linked/a.parquet"),
        ("data/c.parquet", ""),
        ("new/*.parquet", ""),
        ("../outside.parquet", ""),
        ("/etc/hosts", ""),
    ],
)
def test_what_the_base_tracks_is_read_from_it(trusted: TrustedInputs, name: str, path: str) -> None:
    """Files, folders, patterns, links of the base and absolute paths; anything else is read from the checkout."""
    expected = trusted.root / path if path else trusted.top / name
    assert trusted.path(trusted.top, name) == expected
    if not name.startswith(("/", "..")):
        assert trusted.path(trusted.top, str(trusted.top / name)) == (expected if path else trusted.top / name)


def test_names_are_relative_to_the_working_directory(trusted: TrustedInputs) -> None:
    """A command may run in a subfolder of the repository."""
    assert trusted.path(trusted.top / "sub", "../data/a.parquet") == trusted.root / "data/a.parquet"
    assert trusted.path(trusted.top / "sub", "data/a.parquet") == trusted.top / "sub/data/a.parquet"
    assert repository_path(trusted.top / "sub", trusted.top, "../..") == ""


def test_links_of_the_change_are_not_followed(trusted: TrustedInputs) -> None:
    """The name counts, not where the change lets it lead."""
    (trusted.top / "data/c.parquet").unlink()
    (trusted.top / "data").rmdir()
    (trusted.top / "data").symlink_to("/etc")
    assert trusted.path(trusted.top, "data/a.parquet") == trusted.root / "data/a.parquet"


@pytest.mark.parametrize(
    ("name", "exists"), [("policy.yml", True), ("none.yml", False), ("data", False), ("../p.yml", False)]
)
def test_the_policy_of_the_base(trusted: TrustedInputs, name: str, exists: bool) -> None:
    """It is a file of the base's commit, or absent."""
    assert trusted.policy(trusted.top, name) == (trusted.root / name if exists else None)
