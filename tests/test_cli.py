"""The command line: inputs, exit codes, one-line errors, what is imported."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import msgspec
import pytest

from ghmlops import __version__
from ghmlops.cli import command_module, input_types, main
from ghmlops.commands import COMMANDS
from ghmlops.commands.base import Common

if TYPE_CHECKING:
    from pathlib import Path

POLICY = "version: 1\nservice: s\nlatency: {slo: {p99: 1s}}\n"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Run in an empty folder without a runner's variables."""
    monkeypatch.chdir(tmp_path)
    for name in ("GITHUB_ACTIONS", "GITHUB_OUTPUT", "GITHUB_EVENT_PATH", "GITHUB_STEP_SUMMARY", "GITHUB_SHA"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_overview_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    """`ghmlops --help` lists the command table; `--version` prints the version."""
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    assert [c.name for c in COMMANDS if f"\n  {c.name} " not in shown] == []
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"ghmlops {__version__}\n"


@pytest.mark.parametrize("command", [c.name for c in COMMANDS])
def test_every_input_is_documented_and_of_a_known_type(command: str) -> None:
    """Each field has a description and one of the types the command line can convert."""
    for field, annotated in input_types(command_module(command).Inputs).items():
        (doc,) = annotated.__metadata__
        assert doc.description.endswith("."), field
        assert annotated.__origin__ in (str, bool, int | None, input_types(Common)["fail_on"].__origin__), field


@pytest.mark.parametrize(
    ("argv", "said", "hint"),
    [
        (["polcy"], '"polcy" is not a command', "did you mean `policy`?"),
        (["policy", "chek"], '"chek" is not a task of `policy`', "did you mean `check`?"),
        (["policy", "check"], ".github/ghmlops.yml: no such file", "ghmlops policy init"),
        (["policy", "check", "--policy", "."], ".: Is a directory", "--policy"),
        (["policy", "check", "--fail-on", "never"], 'input `fail-on`: "never" is not known', "`warn`"),
        (["policy", "check", "--dry-run", "maybe"], "input `dry-run`: expected true or false", "--dry-run true"),
        (["policy"], "input `task` is required", "GHMLOPS_TASK"),
        (["policy", "check", "--nonsense"], "unrecognized arguments: --nonsense", "--help"),
        (["latency"], "input `url` is required", "GHMLOPS_URL"),
        (
            ["latency", "--url", "http://127.0.0.1:1", "--seed", "x"],
            "input `seed`: expected a whole number",
            "--seed 1",
        ),
    ],
)
def test_a_mistake_is_one_line(
    here: Path, capsys: pytest.CaptureFixture[str], argv: list[str], said: str, hint: str
) -> None:
    """Bad input gives exit 2 and one line that says what and how to mend it."""
    assert here.exists()
    assert main(argv) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert said in err
    assert hint in err


def test_an_event_that_is_not_json(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A damaged event payload is bad input, not a traceback."""
    (here / "event.json").write_text("{")
    monkeypatch.setenv("GITHUB_EVENT_PATH", str(here / "event.json"))
    assert main(["policy", "init"]) == 2
    assert "is not JSON" in capsys.readouterr().err


def test_init_then_check(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The starter policy is valid as written, is never overwritten, and `--dry-run` writes nothing."""
    assert main(["policy", "init", "--dry-run"]) == 0
    assert list(here.iterdir()) == []
    assert main(["policy", "init"]) == 0
    assert main(["policy", "check"]) == 0
    shown = capsys.readouterr().out
    assert "latency: POST /predict, poisson 50/s for 1 m" in shown
    assert "gate: production needs latency, regression" in shown
    assert main(["policy", "init"]) == 2
    assert [p.name for p in (here / ".github").iterdir()] == ["ghmlops.yml"]


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


def test_variables_stand_for_flags(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`GHMLOPS_POLICY` is `--policy`; an empty variable is unset, because that is how GitHub passes it; a flag wins."""
    (here / "p.yml").write_text(POLICY)
    monkeypatch.setenv("GHMLOPS_POLICY", "p.yml")
    monkeypatch.setenv("GHMLOPS_FAIL_ON", "")
    assert main(["policy", "check"]) == 0
    assert main(["policy", "check", "--policy", "other.yml"]) == 2


def test_step_outputs_are_written(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a runner the outcome and reason code are step outputs, for success and for errors."""
    monkeypatch.setenv("GITHUB_OUTPUT", str(here / "out"))
    assert main(["policy", "init"]) == 0
    assert main(["policy", "check", "--policy", "none.yml"]) == 2
    lines = (here / "out").read_text().splitlines()
    assert [lines[i] for i in (1, 4, 7, 10)] == ["pass", "policy-written", "error", "bad-policy"]


def test_an_error_is_an_annotation(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On a runner an error is also an annotation, and a hostile name cannot start a command of its own."""
    assert here.exists()
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert main(["policy", "check", "--policy", "x\n::set-output name=a::b"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert [line for line in lines if line.startswith("::")] == [lines[-1]]
    assert lines[-1].startswith("::error title=ghmlops::")


HEAVY = {"numpy", "scipy", "pandas", "pyarrow", "duckdb", "github", "requests", "uvloop", "psutil", "statsmodels"}


@pytest.mark.parametrize("argv", [["--help"], ["--version"], *([c.name, "--help"] for c in COMMANDS)])
def test_help_loads_nothing_heavy(argv: list[str]) -> None:
    """Help of any command starts without a scientific or GitHub package."""
    command = [sys.executable, "-X", "importtime", "-m", "ghmlops", *argv]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    loaded = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}
    assert "msgspec" in loaded
    assert loaded & HEAVY == set()


def test_inputs_are_frozen() -> None:
    """Values that flow between the stages cannot change."""
    with pytest.raises(AttributeError):
        Common().policy = "x"  # type: ignore[misc]
    assert msgspec.structs.asdict(Common())["policy"] == ".github/ghmlops.yml"
