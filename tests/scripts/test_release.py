"""The release: tag, versions, changelog and references agree, or each contradiction is one line; what a tag builds."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
import yaml

from ghmlops import __version__

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
    (tmp_path / "src/ghmlops").mkdir(parents=True)
    (tmp_path / "src/ghmlops/__init__.py").write_text('__version__ = "1.2.3"\n')
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
        ("v1.2.3", "src/ghmlops/__init__.py", "1.2.3", "1.2.2", "__init__.py"),
        ("v1.2.3", "action.yml", "  steps:\n", "  steps:\n    - uses: ghmlops/ghmlops@v1\n", "action.yml"),
        ("v1.2.3", "action.yml", "  steps:\n", '  steps:\n    - {uses: "GHMLOps/ghmlops@v1"}\n', "action.yml"),
        ("v1.2.3", ".github/workflows/load.yml", "load.yml@v1", "load.yml@v2", "load.yml"),
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


@pytest.fixture(scope="module")
def tagged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a checkout of this project, as the commit of the tag v1.2.3 on main, the way a runner has it."""
    folder = tmp_path_factory.mktemp("tagged")
    ignored = shutil.ignore_patterns("__pycache__", "node_modules", "bench", "week")
    for name in ("src", "scripts", "actions", ".github"):
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    for name in ("action.yml", "LICENSE", "README.md", ".gitignore"):
        shutil.copy(ROOT / name, folder / name)
    (folder / "CHANGELOG.md").write_text(CHANGELOG)
    for name, line in (
        ("pyproject.toml", 'name = "ghmlops"\nversion = "{}"'),
        ("uv.lock", 'name = "ghmlops"\nversion = "{}"'),
        ("src/ghmlops/__init__.py", '__version__ = "{}"'),
    ):
        text = (ROOT / name).read_text()
        assert line.format(__version__) in text
        (folder / name).write_text(text.replace(line.format(__version__), line.format("1.2.3")))
    git(folder, "init", "--quiet", "--initial-branch", "main")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "Release 1.2.3")
    git(folder, "tag", "v1.2.3")
    git(folder, "update-ref", "refs/remotes/origin/main", "HEAD")
    return folder


def git(folder: Path, *arguments: str) -> str:
    """Run git and return its output."""
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


def build(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the step of release.yml that checks and builds, by its own text."""
    steps = yaml.safe_load((folder / ".github/workflows/release.yml").read_text())["jobs"]["build"]["steps"]
    (text,) = (step["run"] for step in steps if "run" in step)
    env = {**os.environ, "GITHUB_REF_NAME": "v1.2.3", "BRANCH": "origin/main"}
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", text]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=300)


def test_a_tag_builds_what_is_in_its_commit(tagged: Path) -> None:
    """Wheel and sdist have the tag's version and exactly the package's files; a second build is refused."""
    done = build(tagged)
    assert done.returncode == 0, done.stderr
    dist = tagged / "dist"
    names = {"ghmlops-1.2.3-py3-none-any.whl", "ghmlops-1.2.3.tar.gz", "ghmlops.cdx.json", "notes.md"}
    assert {path.name for path in dist.iterdir() if not path.name.startswith(".")} == names
    assert (dist / "notes.md").read_text() == "### Added\n\n- A thing.\n"
    assert json.loads((dist / "ghmlops.cdx.json").read_text())["metadata"]["component"]["version"] == "1.2.3"
    committed = set(git(tagged, "ls-files", "src/ghmlops").splitlines())
    with zipfile.ZipFile(dist / "ghmlops-1.2.3-py3-none-any.whl") as wheel:
        files = {name for name in wheel.namelist() if not name.endswith("/")}
        packaged = {f"src/{name}" for name in files if name.startswith("ghmlops/")}
        metadata = wheel.read("ghmlops-1.2.3.dist-info/METADATA").decode()
    assert packaged == committed
    assert {name.partition("/")[0] for name in files} == {"ghmlops", "ghmlops-1.2.3.dist-info"}
    assert re.findall(r"\]\((?!https://)[^)]*\)", metadata) == []
    with tarfile.open(dist / "ghmlops-1.2.3.tar.gz") as sdist:
        sources = {name.partition("/")[2] for name in (m.name for m in sdist.getmembers() if m.isfile())}
    assert sources - committed == {"LICENSE", "PKG-INFO", "pyproject.toml", "pyproject.toml.orig"}
    assert committed <= sources
    run = [sys.executable, "-c", "import ghmlops; print(ghmlops.__file__, ghmlops.__version__)"]
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(dist / "ghmlops-1.2.3-py3-none-any.whl")}
    imported = subprocess.run(run, env=env, capture_output=True, text=True, check=True, timeout=60).stdout
    assert imported == f"{dist}/ghmlops-1.2.3-py3-none-any.whl/ghmlops/__init__.py 1.2.3\n"
    again = build(tagged)
    assert (again.returncode, "is not empty" in again.stderr) == (2, True)


@pytest.mark.parametrize("mistake", ["moved", "unmerged"])
def test_a_commit_that_was_not_merged_is_not_released(tagged: Path, tmp_path: Path, mistake: str) -> None:
    """A tag that names another commit, or a commit that the default branch does not contain, builds nothing."""
    folder = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", "--shared", str(tagged), str(folder))
    git(folder, "commit", "--quiet", "--allow-empty", "--message", "Not reviewed")
    if mistake == "unmerged":
        git(folder, "tag", "--force", "v1.2.3")
    done = build(folder)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert ("origin/main" in done.stderr) == (mistake == "unmerged")
    assert not (folder / "dist").exists()
