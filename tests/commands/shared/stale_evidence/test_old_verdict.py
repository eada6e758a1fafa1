"""A gate or a report that fails leaves no verdict of an earlier run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ghmlops.commands.shared.stale_evidence.old_verdict import remove_old_verdict
from ghmlops.core.errors import InputError

SHA = "a" * 40
VERDICTS = {"gate": "verdict.json", "report": "evidence/verdict.json"}
POLICY = "version: 1\nservice: s\nregression: {task: binary, key: [id], label: y, score: p}\n"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return a folder with a policy and with the verdicts of an earlier run."""
    (tmp_path / "evidence").mkdir()
    (tmp_path / "policy.yml").write_text(POLICY, encoding="utf-8")
    for name in VERDICTS.values():
        (tmp_path / name).write_text('{"outcome": "pass"}', encoding="utf-8")
    return tmp_path


def run(place: Path, *argv: str, **more: str) -> int:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("GITHUB_", "GHMLOPS_", "RUNNER_"))}
    environment = inherited | {"GITHUB_SHA": SHA, "GHMLOPS_POLICY": "policy.yml"} | more
    command = [sys.executable, "-m", "ghmlops", *argv]
    return subprocess.run(command, cwd=place, env=environment, capture_output=True, timeout=60, check=False).returncode


def leftovers(place: Path) -> set[str]:
    return {command for command, name in VERDICTS.items() if (place / name).exists()}


@pytest.mark.parametrize("command", ["gate", "report"])
@pytest.mark.parametrize(
    "flags",
    [["--policy", "broken.yml"], ["--no-such-input", "1"], ["--run-id", "41"]],
    ids=["policy", "unknown input", "run without a token"],
)
def test_a_failure_leaves_no_verdict(place: Path, command: str, flags: list[str]) -> None:
    """Whether the policy or an input is wrong: exit code 2, and only the verdict of the other command remains."""
    (place / "broken.yml").write_text("version: 99\n", encoding="utf-8")
    assert run(place, command, *flags) == 2
    assert leftovers(place) == VERDICTS.keys() - {command}


def test_other_files_of_the_verdict(place: Path) -> None:
    """The inputs `verdict-file` and `evidence-dir` name the file, also if another input is unreadable."""
    (place / "old.json").write_text("{}", encoding="utf-8")
    assert run(place, "gate", "--verdict-file", "old.json", "--no-such-input", "1") == 2
    assert not (place / "old.json").exists()
    (place / "other").mkdir()
    (place / "other/verdict.json").write_text("{}", encoding="utf-8")
    assert run(place, "report", "--no-such-input", "1", GHMLOPS_EVIDENCE_DIR="other") == 2
    assert not (place / "other/verdict.json").exists()
    assert leftovers(place) == VERDICTS.keys()


@pytest.mark.parametrize("flags", [["--dry-run", "true"], ["--measuring", "true"]])
def test_a_report_that_writes_no_verdict_removes_none(place: Path, flags: list[str]) -> None:
    """A dry run and an announcement leave the files as they are."""
    assert run(place, "report", "--comment", "off", *flags, "--no-such-input", "1") == 2
    assert leftovers(place) == VERDICTS.keys()


def test_a_verdict_never_replaces_evidence(place: Path) -> None:
    """A verdict file that would be read as evidence is refused, and the evidence remains."""
    evidence = place / "evidence/latency.json"
    evidence.write_text("{}", encoding="utf-8")
    with pytest.raises(InputError):
        remove_old_verdict(place, "evidence/latency.json", "evidence")
    assert run(place, "gate", "--verdict-file", "evidence/latency.json") == 2
    assert evidence.read_text(encoding="utf-8") == "{}"


def test_a_folder_is_no_verdict(tmp_path: Path) -> None:
    """What cannot be removed is an error of the input."""
    (tmp_path / "verdict.json").mkdir()
    with pytest.raises(InputError):
        remove_old_verdict(tmp_path, "verdict.json", "evidence")
