"""A new pillar is one command, one policy section and one row in the table of pillars.

The recipe of CONTRIBUTING is applied to a scratch copy of the package, whose real command line runs in subprocesses.
"""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from recipes import Scratch, apply_recipe

POLICY = "version: 1\nservice: toy-service\ntoy: {file: notes.txt, lines: 3}\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A repository that uses the toy pillar, and the package that contains it."""

    scratch: Scratch
    repository: Path

    def run(self, *argv: str) -> subprocess.CompletedProcess[str]:
        """Run the command line of the scratch copy in the repository."""
        return self.scratch.run(self.repository, *argv)

    def read(self, name: str) -> str:
        """Return the text of a file of the repository."""
        return (self.repository / name).read_text(encoding="utf-8")

    def json(self, name: str) -> Any:
        """Return the content of a JSON file of the repository."""
        return json.loads(self.read(name))


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Scratch:
    """A scratch copy of the package to which the recipe was applied."""
    return apply_recipe("A pillar", tmp_path_factory.mktemp("scratch"))


@pytest.fixture
def scene(scratch: Scratch, tmp_path: Path) -> Scene:
    """A repository with one commit, a policy with the section `toy`, and the file that it is about."""
    (tmp_path / ".github").mkdir()
    (tmp_path / ".github" / "ghmlops.yml").write_text(POLICY)
    (tmp_path / "notes.txt").write_text("one\ntwo\n")
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.invalid", "-c", "commit.gpgsign=false"]
    for argv in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "-m", "first"]):
        subprocess.run(["git", *identity, *argv], cwd=tmp_path, check=True, capture_output=True, timeout=30)
    return Scene(scratch=scratch, repository=tmp_path)


def test_check_runs_the_pillar(scene: Scene) -> None:
    """`check` runs it because the policy has its section, and its finding decides the verdict."""
    passed = scene.run("check")
    assert passed.returncode == 0, passed.stdout + passed.stderr
    assert [f["id"] for f in scene.json("evidence/toy.json")["findings"]] == ["toy-lines"]
    (scene.repository / "notes.txt").write_text("one\n" * 4)
    failed = scene.run("check")
    assert failed.returncode == 1, failed.stdout + failed.stderr
    assert scene.json("evidence/verdict.json")["reason_code"] == "toy-lines"


def test_the_gate_requires_the_pillar(scene: Scene) -> None:
    """Without its evidence the gate stays closed and names it; with its evidence the gate opens."""
    closed = scene.run("gate")
    assert closed.returncode == 1
    missing = [f for f in scene.json("verdict.json")["findings"] if f["id"] == "evidence-missing"]
    assert ["`toy`" in f["reason"] for f in missing] == [True]
    assert scene.run("toy").returncode == 0
    opened = scene.run("gate")
    assert opened.returncode == 0, opened.stdout + opened.stderr
    assert [(e["command"], e["outcome"]) for e in scene.json("verdict.json")["evidence"]] == [("toy", "pass")]


def test_every_report_contains_the_pillar(scene: Scene) -> None:
    """The comment's Markdown, the page and JUnit show its finding, and the command that measures it again."""
    assert scene.run("toy").returncode == 0
    files = ["--markdown", "report.md", "--html", "report.html", "--junit", "report.xml"]
    done = scene.run("report", "--comment", "off", *files)
    assert done.returncode == 0, done.stdout + done.stderr
    reports = [scene.read(name) for name in ("report.md", "report.html", "report.xml")]
    markdown, page, tests = reports
    assert ("toy passed" in markdown, "toy-lines" in page, "toy-lines" in tests) == (True, True, True)
    assert ("ghmlops toy --evidence-dir evidence" in markdown, "ghmlops toy --policy .github/ghmlops.yml" in page) == (
        True,
        True,
    )


def test_help_and_policy_know_the_pillar(scene: Scene) -> None:
    """The command is listed, and an unknown key of its section is an error of the policy."""
    assert "\n  toy " in scene.run("--help").stdout
    (scene.repository / ".github" / "ghmlops.yml").write_text(POLICY.replace("lines: 3", "line: 3"))
    assert "toy.line" in scene.run("policy", "check").stderr
