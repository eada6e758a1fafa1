"""The check of a release: tag, versions, changelog and references agree, or each contradiction is one line."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CHANGELOG = """# Changelog

## Unreleased

## 1.2.3 - 2026-11-28

### Added

- A thing.

## 1.2.2 - 2026-01-01

- Old.
"""


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """Return a copy of what the check reads, as the release 1.2.3."""
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts/release.py", tmp_path / "scripts")
    shutil.copy(ROOT / "action.yml", tmp_path)
    shutil.copytree(ROOT / "actions", tmp_path / "actions")
    shutil.copytree(ROOT / ".github/workflows", tmp_path / ".github/workflows")
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "ghmlops"\nversion = "1.2.3"\n')
    (tmp_path / "uv.lock").write_text('version = 1\n[[package]]\nname = "ghmlops"\nversion = "1.2.3"\n')
    (tmp_path / "CHANGELOG.md").write_text(CHANGELOG)
    return tmp_path


def check(folder: Path, tag: str) -> subprocess.CompletedProcess[str]:
    """Run the check."""
    command = [sys.executable, str(folder / "scripts/release.py"), tag]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_the_notes_of_a_release_are_its_section(release: Path) -> None:
    """The section of the version is printed, and neither the older one nor a heading of a version."""
    done = check(release, "v1.2.3")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "### Added\n\n- A thing.\n"


@pytest.mark.parametrize(
    ("tag", "file", "old", "new", "word"),
    [
        ("1.2.3", "", "", "", "v1.2.3"),
        ("v1.2.3-rc1", "", "", "", "v1.2.3"),
        ("v1.02.3", "", "", "", "v1.2.3"),
        ("v1.2.3", "pyproject.toml", "1.2.3", "1.2.4", "pyproject.toml"),
        ("v1.2.3", "uv.lock", "1.2.3", "1.2.2", "uv.lock"),
        ("v1.2.3", "CHANGELOG.md", "- A thing.", "", "CHANGELOG.md"),
        ("v1.2.3", "CHANGELOG.md", " - 2026-11-28", "", "CHANGELOG.md"),
        ("v1.2.3", "CHANGELOG.md", "## Unreleased\n", "## Unreleased\n\n- Late.\n", "Unreleased"),
        ("v1.2.3", "action.yml", "  steps:\n", "  steps:\n    - uses: ghmlops/ghmlops@v1\n", "action.yml"),
    ],
)
def test_a_contradiction_stops_the_release(release: Path, tag: str, file: str, old: str, new: str, word: str) -> None:
    """Exit code 2 and one line that names the file; no notes are printed."""
    if file:
        text = (release / file).read_text()
        assert old in text
        (release / file).write_text(text.replace(old, new, 1))
    done = check(release, tag)
    (line,) = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (2, "")
    assert line.startswith("ghmlops: error: ")
    assert word in line


def test_actions_and_workflows_of_this_commit_refer_to_no_other(release: Path) -> None:
    """A tagged action runs the code of the tagged commit: it names its files by relative paths or by its own ref."""
    assert check(release, "v1.2.3").returncode == 0


def test_wheel_and_sdist_are_built_once(tmp_path: Path) -> None:
    """One wheel with the schemas and one sdist; a second build into the same folder is refused."""
    command = [str(ROOT / "scripts/dist"), "build", str(tmp_path / "dist")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    (wheel,), (_,) = (list((tmp_path / "dist").glob(pattern)) for pattern in ("*.whl", "*.tar.gz"))
    assert "ghmlops/schemas/evidence-v1.json" in zipfile.ZipFile(wheel).namelist()
    again = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert again.returncode == 2
    assert "is not empty" in again.stderr
