"""Inputs, mistakes in one line, the working directory, and what is imported."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import msgspec
import pytest

from ghmlops import __version__
from ghmlops.cli import main
from ghmlops.commands import COMMANDS, command_module
from ghmlops.commands.shared.arguments import input_types
from ghmlops.commands.shared.base import Common

if TYPE_CHECKING:
    from pathlib import Path

POLICY = "version: 1\nservice: s\nlatency: {slo: {p99: 1s}}\n"


HEAVY = {"numpy", "scipy", "pandas", "pyarrow", "duckdb", "github", "requests", "uvloop", "psutil", "statsmodels"}


def test_overview_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    """`ghmlops --help` lists the command table; `--version` prints the version."""
    assert main(["--help"]) == 0
    output = capsys.readouterr().out
    assert [c.name for c in COMMANDS if f"\n  {c.name} " not in output] == []
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
    ("argv", "message", "hint"),
    [
        (["polcy"], '"polcy" is not a command', "did you mean `policy`?"),
        (["policy", "chek"], '"chek" is not a task of `policy`', "did you mean `check`?"),
        (["policy", "check"], ".github/ghmlops.yml: no such file", "ghmlops init"),
        (["policy", "init"], "`policy init` is the command `init`", "ghmlops init"),
        (["init"], "nothing to measure was recognised", "--starter"),
        (["init", "--starter", "--service"], "argument --service: expected one argument", "--help"),
        (["policy", "check", "--policy", "."], ".: Is a directory", "--policy"),
        (["policy", "check", "--fail-on", "never"], 'input `fail-on`: "never"', "`warn`"),
        (["policy", "check", "--dry-run", "maybe"], "input `dry-run`: expected true or false", "--dry-run true"),
        (["policy"], "input `task` is required", "GHMLOPS_TASK"),
        (["policy", "check", "--nonsense"], "no input `--nonsense`", "--help"),
        (["latency"], "input `url` is required", "GHMLOPS_URL"),
        (
            ["latency", "--url", "http://127.0.0.1:1", "--seed", "x"],
            "input `seed`: expected a whole number",
            "--seed 1",
        ),
    ],
)
def test_a_mistake_is_one_line(
    here: Path, capsys: pytest.CaptureFixture[str], argv: list[str], message: str, hint: str
) -> None:
    """Bad input gives exit 2 and one line that says what is wrong and how to fix it."""
    assert here.exists()
    assert main(argv) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert message in err
    assert hint in err


def test_an_event_that_is_not_json(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A damaged event payload is bad input, not a traceback."""
    (here / "event.json").write_text("{")
    monkeypatch.setenv("GITHUB_EVENT_PATH", str(here / "event.json"))
    assert main(["init", "--starter"]) == 2
    assert "is not JSON" in capsys.readouterr().err


def test_init_then_check(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The starter policy is valid as written, is never overwritten, and `--dry-run` writes nothing."""
    assert main(["init", "--starter", "--dry-run"]) == 0
    assert list(here.iterdir()) == []
    assert main(["init", "--starter"]) == 0
    assert main(["policy", "check"]) == 0
    output = capsys.readouterr().out
    assert "latency: POST /predict, poisson 50/s for 1 m" in output
    assert "gate: production needs latency, regression" in output
    assert main(["init", "--starter"]) == 2
    assert sorted(p.name for p in (here / ".github").iterdir()) == ["ghmlops.yml", "workflows"]


def test_variables_stand_for_flags(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`GHMLOPS_POLICY` is `--policy`; an empty variable is unset, because that is how GitHub passes it; a flag wins."""
    (here / "p.yml").write_text(POLICY)
    monkeypatch.setenv("GHMLOPS_POLICY", "p.yml")
    monkeypatch.setenv("GHMLOPS_FAIL_ON", "")
    assert main(["policy", "check"]) == 0
    assert main(["policy", "check", "--policy", "other.yml"]) == 2


@pytest.mark.parametrize("argv", [["--help"], ["--version"], *([c.name, "--help"] for c in COMMANDS)])
def test_help_loads_nothing_heavy(argv: list[str]) -> None:
    """Help of any command starts without a scientific or GitHub package."""
    command = [sys.executable, "-X", "importtime", "-m", "ghmlops", *argv]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    loaded = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}
    assert "msgspec" in loaded
    assert loaded & HEAVY == set()


@pytest.mark.parametrize(
    ("variables", "argv"),
    [
        ({"GITHUB_RUN_ATTEMPT": "²"}, ["policy", "check", "--policy", "p.yml"]),
        ({"GITHUB_RUN_ATTEMPT": "9" * 5000}, ["policy", "check", "--policy", "p.yml"]),
        ({"GITHUB_EVENT_PATH": "x" * 5000}, ["policy", "check", "--policy", "p.yml"]),
        ({}, ["latency", "--url", "http://127.0.0.1:1", "--seed", "9" * 5000]),
        ({}, ["init", "--starter", "--policy", "x" * 300]),
        ({}, ["policy", "check", "--policy", "surrogate.yml"]),
        ({}, ["policy", "check", "--policy", "escape.yml"]),
        ({}, ["policy", "check", "--policy", "age.yml"]),
        ({}, ["gate", "--policy", "p.yml", "--evidence-dir", "p.yml", "--commit", "a" * 40]),
        ({}, ["check", "--policy", "p.yml", "--evidence-dir", "p.yml"]),
    ],
)
def test_odd_values_are_no_traceback(
    here: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    variables: dict[str, str],
    argv: list[str],
) -> None:
    """Values that only a broken or hostile caller gives end as a result or as one line, never in a traceback."""
    (here / "p.yml").write_text(POLICY)
    (here / "surrogate.yml").write_text(POLICY.replace("service: s", 'service: "\\ud800x"'))
    (here / "escape.yml").write_text(POLICY.replace("service: s", 'service: "\\U00110000"'))
    (here / "age.yml").write_text(POLICY + "gate: {max-age: 99999999999999d}\n")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert main(argv) in (0, 2)
    assert "Traceback" not in capsys.readouterr().err


def test_inputs_are_frozen() -> None:
    """Values that flow between the stages cannot change."""
    with pytest.raises(AttributeError):
        Common().policy = "x"  # type: ignore[misc]
    assert msgspec.structs.asdict(Common())["policy"] == ".github/ghmlops.yml"


def test_paths_are_relative_to_the_working_directory(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--working-directory` and its variable enter the folder of a service; a folder that is missing is one line."""
    (here / "services/a").mkdir(parents=True)
    (here / "services/a/ghmlops.yml").write_text(POLICY)
    assert main(["policy", "check", "--policy", "ghmlops.yml"]) == 2
    assert main(["policy", "check", "--policy", "ghmlops.yml", "--working-directory", "services/a"]) == 0
    capsys.readouterr()
    for folder, problem in (("services/b", "No such file"), ("services/a/ghmlops.yml", "Not a directory"), ("a\0", "")):
        assert main(["policy", "check", f"--working-directory={folder}"]) == 2
        assert problem in capsys.readouterr().err


def test_an_error_replaces_evidence_in_the_working_directory(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Inputs that cannot be read leave an error in the evidence folder of the service, and none in the top folder."""
    (here / "services/a/evidence").mkdir(parents=True)
    monkeypatch.setenv("GITHUB_SHA", "a" * 40)
    monkeypatch.setenv("GHMLOPS_WORKING_DIRECTORY", "services/a")
    assert main(["latency", "--no-such-flag"]) == 2
    assert (here / "services/a/evidence/latency.json").is_file()
    assert not (here / "evidence").exists()
