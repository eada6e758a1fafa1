"""Files of a repository: what is listed, read and skipped."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from ghmlops.measure.repository.files import (
    MAX_TEXT,
    branch_name,
    folder_in_checkout,
    list_files,
    read_texts,
    uncommitted,
)

if TYPE_CHECKING:
    from pathlib import Path


def test_listing(tmp_path: Path) -> None:
    """Hidden folders, environments, caches and links are left out."""
    for name in ("a.py", "data/b.parquet", ".venv/c.py", "node_modules/d.py", "x/__pycache__/e.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / "link.py").symlink_to("/etc/passwd")
    (tmp_path / "folder").symlink_to("/etc")
    assert list_files(tmp_path) == ["a.py", "data/b.parquet"]


def test_texts(tmp_path: Path) -> None:
    """Procfile comes first, then Dockerfile, pyproject.toml and modules; data and other encodings are left out."""
    for name in ("z.py", "pyproject.toml", "Dockerfile", "Procfile", "notes.md"):
        (tmp_path / name).write_text(name)
    (tmp_path / "latin.py").write_bytes(b"\xff")
    (tmp_path / "long.py").write_text("#" * (MAX_TEXT + 1))
    assert list(read_texts(tmp_path, list_files(tmp_path))) == ["Procfile", "Dockerfile", "pyproject.toml", "z.py"]


def test_branch(tmp_path: Path) -> None:
    """The branch of the checkout; `main` outside of one."""
    assert branch_name(tmp_path) == "main"
    subprocess.run(["git", "init", "-q", "-b", "trunk", tmp_path], check=True)
    assert branch_name(tmp_path) == "trunk"


def test_a_subfolder_of_a_checkout(tmp_path: Path) -> None:
    """Names are those of the service's folder, before and after the first commit of a repository with several."""
    folder = tmp_path / "services" / "shop"
    folder.mkdir(parents=True)
    for name in ("a.py", "data.log", "new.py"):
        (folder / name).write_text("")
        (tmp_path / name).write_text("of another service")
    (tmp_path / ".gitignore").write_text("*.log\n")
    names, identity = ["a.py", "data.log", "new.py", "absent.py"], ["-c", "user.name=A", "-c", "user.email=a@b.example"]
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    assert uncommitted(folder, names) == {"data.log", "absent.py"}
    subprocess.run(["git", "add", "a.py", "services/shop/a.py"], cwd=tmp_path, check=True)
    subprocess.run(["git", *identity, "commit", "-q", "-m", "Start"], cwd=tmp_path, check=True)
    assert uncommitted(folder, names) == {"data.log", "new.py", "absent.py"}
    assert folder_in_checkout(folder) == "services/shop"
    assert folder_in_checkout(tmp_path) == ""
