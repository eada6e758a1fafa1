"""Inputs and outputs of every command and of its action are equal."""

from __future__ import annotations

import re
import subprocess
import sysconfig
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ghmlops.commands import COMMANDS, command_module
from ghmlops.commands.shared.base import Common
from ghmlops.core.model import Outcome

Actions = dict[str, dict[str, Any]]
WITH_ACTION = {c.name: c.action.removesuffix("action.yml").rstrip("/") or "." for c in COMMANDS if c.action}
NOT_IN_ACTIONS = {"json": "an action's result is its outputs and files; its standard output is the log"}


def folders() -> list[Any]:
    """Return one parameter per command with an action: its name and the folder of its action.yml."""
    return [pytest.param(name, folder, id=name) for name, folder in WITH_ACTION.items()]


def fields(name: str) -> dict[str, msgspec.structs.FieldInfo]:
    """Return the inputs of a command by their names in the action."""
    inputs = msgspec.structs.fields(command_module(name).Inputs)
    return {f.name.replace("_", "-"): f for f in inputs if f.name not in NOT_IN_ACTIONS}


def test_actions_and_commands_name_each_other(actions: Actions) -> None:
    """Every action.yml belongs to a command of the table, and every action of the table has its file."""
    assert sorted(WITH_ACTION.values()) == sorted(actions)


@pytest.mark.parametrize(("name", "folder"), folders())
def test_inputs(name: str, folder: str, actions: Actions) -> None:
    """Names, order, required and defaults of the inputs are those of `Inputs`; unset is the empty string."""
    expected = {}
    for key, field in fields(name).items():
        default = field.default
        text = str(default).lower() if isinstance(default, bool) else "" if default is None else str(default)
        text = "${{ github.token }}" if key == "token" and name != "regression" else text  # it only reads artifacts
        expected[key] = {"required": True} if field.required else {"required": False, "default": text}
    actual = {k: {p: v for p, v in body.items() if p != "description"} for k, body in actions[folder]["inputs"].items()}
    assert list(expected.items()) == list(actual.items())


@pytest.mark.parametrize(("name", "folder"), folders())
def test_descriptions(name: str, folder: str, actions: Actions) -> None:
    """Every input is described in one sentence, the same in `--help` and in action.yml."""
    hints = msgspec.inspect.type_info(command_module(name).Inputs)
    assert isinstance(hints, msgspec.inspect.StructType)
    written = {f.name.replace("_", "-"): f.type for f in hints.fields if f.name not in NOT_IN_ACTIONS}
    for key, kind in written.items():
        assert isinstance(kind, msgspec.inspect.Metadata)
        assert kind.extra_json_schema is not None
        assert kind.extra_json_schema["description"] == actions[folder]["inputs"][key]["description"]
        assert kind.extra_json_schema["description"].endswith(".")


@pytest.mark.parametrize(("name", "folder"), folders())
def test_outputs(name: str, folder: str, actions: Actions) -> None:
    """Outputs are those of `OUTPUTS`, mapped to those of the step; every action has outcome and reason code."""
    expected = {
        o.name: (o.description, f"${{{{ steps.ghmlops.outputs.{o.name} }}}}") for o in command_module(name).OUTPUTS
    }
    actual = {k: (body["description"], body["value"]) for k, body in actions[folder]["outputs"].items()}
    assert expected == actual
    assert {"outcome", "reason-code"} <= set(actual)


@pytest.mark.parametrize(("name", "folder"), folders())
def test_environment(name: str, folder: str, actions: Actions) -> None:
    """All inputs are passed to the command by the environment variables that it reads."""
    (step,) = actions[folder]["runs"]["steps"]
    expected = {f"GHMLOPS_{key.upper().replace('-', '_')}": f"${{{{ inputs.{key} }}}}" for key in fields(name)}
    assert expected == step["env"]


@pytest.mark.parametrize(("name", "folder"), folders())
def test_shape(name: str, folder: str, actions: Actions, root: Path) -> None:
    """A composite action is one bash step: one call of install.sh with extras that exist, one of ghmlops."""
    runs = actions[folder]["runs"]
    (step,) = runs["steps"]
    up = "" if folder == "." else "/../.."
    script = re.escape(f'ghmlops=$("$GITHUB_ACTION_PATH{up}/scripts/install.sh" ')
    match = re.fullmatch(script + rf'([a-z ]+)\)\nexec "\$ghmlops" {name}\n', step["run"])
    assert runs["using"] == "composite"
    assert sorted(step) == ["env", "id", "run", "shell"]
    assert (step["id"], step["shell"]) == ("ghmlops", "bash")
    assert match is not None
    extras = tomllib.loads((root / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert set(match[1].split()) <= set(extras)


def test_scripts_contain_no_expression(actions: Actions) -> None:
    """No `${{` in any `run:`, and no other action inside a composite one."""
    for action in actions.values():
        for step in action["runs"]["steps"]:
            assert "uses" not in step
            assert "${{" not in step["run"]


def test_scripts_of_actions_pass_shellcheck(actions: Actions) -> None:
    """The scripts in action.yml files pass shellcheck; actionlint checks those of workflows."""
    shellcheck = Path(sysconfig.get_path("scripts")) / "shellcheck"
    for folder, action in actions.items():
        for step in action["runs"]["steps"]:
            done = subprocess.run(
                [shellcheck, "--shell=bash", "-"], input=step["run"], text=True, capture_output=True, check=False
            )
            assert (folder, "", 0) == (folder, done.stdout, done.returncode)


def test_allow_list_is_not_stale() -> None:
    """Inputs that actions omit are common to all commands, and have a reason."""
    common = {f.name for f in msgspec.structs.fields(Common)}
    assert set(NOT_IN_ACTIONS) <= common
    assert all(NOT_IN_ACTIONS.values())


def test_only_writers_take_a_token(actions: Actions) -> None:
    """Actions that run the code of a change have no token; `regression` has one only if it is set explicitly."""
    tokens = {
        folder: action["inputs"]["token"]["default"]
        for folder, action in actions.items()
        if "token" in action["inputs"]
    }
    own = "${{ github.token }}"
    writers = dict.fromkeys(
        (
            "baseline",
            "gate",
            "harvest",
            "history",
            "promote",
            "remeasure",
            "report",
            "revert",
            "scale",
            "slash-command",
            "store",
            "watch",
        ),
        own,
    )
    assert tokens == {**{f"actions/{name}": token for name, token in writers.items()}, "actions/regression": ""}


def test_fail_on_lists_its_outcomes(actions: Actions) -> None:
    """The description of `fail-on` names the outcomes that it accepts."""
    for action in actions.values():
        for outcome in (Outcome.FAIL, Outcome.INCONCLUSIVE, Outcome.WARN):
            assert outcome.value in action["inputs"]["fail-on"]["description"]
