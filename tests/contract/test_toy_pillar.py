"""A new pillar is one command, one policy section and one row in the table of pillars.

The recipe is applied to a scratch copy of the package, whose real command line then runs in subprocesses.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import ghmlops

COMMAND = '''\
"""Counts the lines of a file."""

from ghmlops.commands.shared.base import EVIDENCE_OUTPUT, OUTCOME_OUTPUTS, Common
from ghmlops.commands.shared.evidence import EvidenceContent, open_recorder, record
from ghmlops.commands.shared.policy_file import load_policy
from ghmlops.core.model import Finding, Outcome


class Inputs(Common, frozen=True, kw_only=True):
    """Inputs of `toy`."""


OUTPUTS = (*OUTCOME_OUTPUTS, EVIDENCE_OUTPUT)


def run(inputs, services):
    """Count the lines and write the evidence."""
    policy = load_policy(services.cwd / inputs.policy, inputs.policy).toy
    recorder = open_recorder("toy", inputs, services)
    lines = len((services.cwd / policy.file).read_text().splitlines())
    finding = Finding(
        id="toy-lines",
        metric="lines",
        outcome=Outcome.PASS if lines <= policy.lines else Outcome.FAIL,
        reason=f"{policy.file} has {lines} lines, at most {policy.lines} are allowed.",
        docs="README.md",
        candidate=float(lines),
        margin=float(policy.lines),
        n=lines,
    )
    return record(recorder, EvidenceContent(findings=[finding]))
'''
SECTION_TYPE = '''\
"""Policy section `toy`."""

from ghmlops.core.policy.section import Section


class Toy(Section, frozen=True, kw_only=True):
    """Limits of a text file."""

    file: str
    lines: int = 10
'''
SECTION_READER = '''\
"""Reads the section `toy`."""

from ghmlops.core import quantities
from ghmlops.core.policy.toy import Toy
from ghmlops.core.policyfile.yaml_reader import record, scalar, text


def read_toy(at):
    """Read the section."""
    return record(Toy, {"file": text, "lines": scalar(quantities.count)}, required=("file",))(at)
'''
NEW_FILES = {
    "commands/toy.py": COMMAND,
    "core/policy/toy.py": SECTION_TYPE,
    "core/policyfile/toy.py": SECTION_READER,
}
LINES = (
    ("core/policy/document.py", "from ghmlops.core.policy.section", "from ghmlops.core.policy.toy import Toy\n"),
    ("core/policy/document.py", "    gate: Gate = Gate()", "    toy: Toy | None = None\n"),
    (
        "core/policyfile/document.py",
        "from ghmlops.core.policyfile.scalars",
        "from ghmlops.core.policyfile.toy import read_toy\n",
    ),
    ("core/policyfile/document.py", '    "gate": read_gate,', '    "toy": read_toy,\n'),
    (
        "core/pillars.py",
        "    Pillar(",
        '    Pillar(command="toy", section="toy", title="Toy", summary="count lines", required=True, in_check=True),\n',
    ),
)
"""File, the first line that starts like this, and the line that the recipe adds in front of it."""
POLICY = "version: 1\nservice: toy-service\ntoy: {file: notes.txt, lines: 3}\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A repository that uses the toy pillar, and the package that contains it."""

    package: Path
    repository: Path

    def run(self, *argv: str) -> subprocess.CompletedProcess[str]:
        """Run the command line of the scratch copy in the repository."""
        runner = ("GITHUB_", "GHMLOPS_", "RUNNER_", "ACTIONS_")
        environ = {name: value for name, value in os.environ.items() if not name.startswith(runner)}
        return subprocess.run(
            [sys.executable, "-m", "ghmlops", *argv],
            cwd=self.repository,
            env={**environ, "PYTHONPATH": str(self.package.parent), "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def read(self, name: str) -> str:
        """Return the text of a file of the repository."""
        return (self.repository / name).read_text(encoding="utf-8")

    def json(self, name: str) -> Any:
        """Return the content of a JSON file of the repository."""
        return json.loads(self.read(name))


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A scratch copy of the package to which the recipe was applied."""
    folder = tmp_path_factory.mktemp("scratch") / "ghmlops"
    shutil.copytree(Path(ghmlops.__file__).parent, folder, ignore=shutil.ignore_patterns("__pycache__"))
    for name, content in NEW_FILES.items():
        (folder / name).write_text(content)
    for name, anchor, line in LINES:
        text = (folder / name).read_text()
        position = text.index(f"\n{anchor}") + 1
        (folder / name).write_text(text[:position] + line + text[position:])
    return folder


@pytest.fixture
def scene(package: Path, tmp_path: Path) -> Scene:
    """A repository with one commit, a policy with the section `toy`, and the file that it is about."""
    (tmp_path / ".github").mkdir()
    (tmp_path / ".github" / "ghmlops.yml").write_text(POLICY)
    (tmp_path / "notes.txt").write_text("one\ntwo\n")
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.invalid", "-c", "commit.gpgsign=false"]
    for argv in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "-m", "first"]):
        subprocess.run(["git", *identity, *argv], cwd=tmp_path, check=True, capture_output=True, timeout=30)
    return Scene(package=package, repository=tmp_path)


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
    done = scene.run("report", "--comment", "false", *files)
    assert done.returncode == 0, done.stdout + done.stderr
    reports = [scene.read(name) for name in ("report.md", "report.html", "report.xml")]
    assert ["toy-lines" in text for text in reports] == [True] * 3
    assert ["ghmlops toy --policy .github/ghmlops.yml" in text for text in reports[:2]] == [True] * 2


def test_help_and_policy_know_the_pillar(scene: Scene) -> None:
    """The command is listed, and an unknown key of its section is an error of the policy."""
    assert "\n  toy " in scene.run("--help").stdout
    (scene.repository / ".github" / "ghmlops.yml").write_text(POLICY.replace("lines: 3", "line: 3"))
    assert "toy.line" in scene.run("policy", "check").stderr
