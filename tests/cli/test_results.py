"""Results and errors: standard output, JSON, annotations, step outputs, the job summary."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from ghmlops.cli import main
from ghmlops.report.text.escape import printable

if TYPE_CHECKING:
    from pathlib import Path

POLICY = "version: 1\nservice: s\nlatency: {slo: {p99: 1s}}\n"


def test_json_is_one_document(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--json` prints one JSON object on standard output, for results and for errors."""
    (here / "p.yml").write_text(POLICY)
    assert main(["policy", "check", "--policy", "p.yml", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["reason_code"] == "policy-valid"
    (here / "p.yml").write_text(POLICY.replace("1s", "fast"))
    assert main(["policy", "check", "--policy", "p.yml", "--json"]) == 2
    body = json.loads(capsys.readouterr().out)
    assert (body["outcome"], body["reason_code"]) == ("error", "bad-policy")
    assert body["hint"]


def test_step_outputs_are_written(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a runner the outcome and reason code are step outputs, for success and for errors."""
    monkeypatch.setenv("GITHUB_OUTPUT", str(here / "out"))
    assert main(["init", "--starter"]) == 0
    assert main(["policy", "check", "--policy", "none.yml"]) == 2
    lines = (here / "out").read_text().splitlines()
    assert [lines[i] for i in (1, 4, 7, 10)] == ["pass", "files-written", "error", "bad-policy"]


def test_an_error_is_an_annotation(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On a runner an error is also an annotation, and a hostile name cannot start a workflow command."""
    assert here.exists()
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert main(["policy", "check", "--policy", "x\n::set-output name=a::b"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert [line for line in lines if line.startswith("::")] == [lines[-1]]
    assert lines[-1].startswith("::error title=ghmlops::")


@pytest.mark.parametrize(
    ("argv", "variables", "expected"),
    [
        (["policy", "chek", "--json=true"], {}, True),
        (["policy", "chek", "--json"], {}, True),
        (["policy", "chek", "--json", "false"], {"GHMLOPS_JSON": "true"}, False),
        (["policy", "chek", "--json=false"], {"GHMLOPS_JSON": "true"}, False),
        (["policy", "chek"], {"GHMLOPS_JSON": "true"}, True),
    ],
)
def test_errors_are_json_where_results_would_be(
    here: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    argv: list[str],
    variables: dict[str, str],
    expected: bool,
) -> None:
    """The error of a command is JSON exactly where its result would have been."""
    assert here.exists()
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert main(argv) == 2
    assert bool(capsys.readouterr().out) is expected


def test_one_document_also_where_the_outputs_cannot_be_written(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The result is printed last, so that a later error does not make it two documents, the first one a pass."""
    (here / "p.yml").write_text(POLICY)
    monkeypatch.setenv("GITHUB_OUTPUT", str(here / "none" / "out"))
    assert main(["policy", "check", "--policy", "p.yml", "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["outcome"] == "error"


def test_a_full_standard_output_is_said(here: Path) -> None:
    """A result that cannot be written is an error with exit 2."""
    (here / "p.yml").write_text(POLICY)
    command = [sys.executable, "-m", "ghmlops", "policy", "check", "--policy", "p.yml"]
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert "cannot write to standard output" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_bug_is_not_a_verdict(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A fault of ours keeps its traceback and ends with 2, because 1 would read as a failed check."""
    monkeypatch.setenv("GITHUB_OUTPUT", str(here / "out"))
    monkeypatch.setattr("ghmlops.commands.policy.describe", lambda _: 1 / 0)
    (here / "p.yml").write_text(POLICY)
    assert main(["policy", "check", "--policy", "p.yml"]) == 2
    assert "ZeroDivisionError" in capsys.readouterr().err
    assert (here / "out").read_text().splitlines()[1] == "error"


@pytest.mark.parametrize("text", ["::set-output name=x::y", "  ::stop-commands::z", "a ##[error]b"])
def test_printed_text_starts_no_workflow_command(text: str) -> None:
    """What the runner would take for a command is broken up."""
    output = printable(text)
    assert not output.lstrip().startswith("::")
    assert "##[" not in output


def test_every_command_has_a_job_summary(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command without a report of its own writes its outcome and reason; so does an error, as text."""
    summary = here / "summary.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    assert main(["policy", "check", "--policy", "<b>.yml"]) == 2
    assert summary.read_text().startswith("### \U0001f6d1 error: ghmlops\n\n&lt;b&gt;.yml")
    (here / "ghmlops.yml").write_text(POLICY)
    summary.unlink()
    assert main(["policy", "check", "--policy", "ghmlops.yml"]) == 0
    assert summary.read_text().startswith("### \u2705 pass: policy\n\n")
