"""Which pillars `check` runs, in which order, and which inputs they share."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from ghmlops.commands import check, command_module
from ghmlops.commands.check.job import Job, prepare
from ghmlops.commands.check.run_pillar import confirm_leg, shared_inputs
from ghmlops.commands.shared.base import Services
from ghmlops.commands.shared.console import Console
from ghmlops.core.context import Context
from ghmlops.core.errors import PolicyError

if TYPE_CHECKING:
    from pathlib import Path

SECTIONS = {
    "preview": "preview: {command: 'serve {port}'}\n",
    "latency": "latency: {request: {method: GET}, slo: {p99: 1s}}\n",
    "capacity": "capacity: {start: 10/s}\n",
    "regression": "regression: {task: binary, key: [id], label: l, score: s}\n",
}


def job(folder: Path, *sections: str, more: str = "") -> Job:
    """Prepare a run of `check` by a policy with these sections."""
    text = "version: 1\nservice: s\n" + "".join(SECTIONS[name] for name in sections) + more
    (folder / "policy.yml").write_text(text)
    services = Services(
        context=Context(head_sha="a" * 40, base_sha="b" * 40),
        environ={},
        cwd=folder,
        now=lambda: datetime.now(UTC),
        console=Console(io.StringIO()),
    )
    return prepare(check.Inputs(policy="policy.yml", leg="eu", seed=7, base=""), services)


LIVE = "shadow: {access-logs: {live: l.jsonl, candidate: c.jsonl}}\n"


def test_logs_of_live_traffic_are_not_read_before_a_merge(tmp_path: Path) -> None:
    """The other pillars run, the report does not wait for evidence of `shadow`, and the gate of a deployment does."""
    run = job(tmp_path, "latency", more=LIVE)
    assert [pillar.command for pillar in run.pillars] == ["latency"]
    assert (run.policy.required_before_merge, run.policy.required) == (("latency",), ("latency", "shadow"))
    console = run.services.console
    assert isinstance(console.stream, io.StringIO)
    assert "`shadow` is left out" in console.stream.getvalue()


def test_logs_of_live_traffic_alone_are_refused(tmp_path: Path) -> None:
    """A policy that can measure nothing before a merge is an error that says where the logs are compared."""
    with pytest.raises(PolicyError, match="nothing before a merge") as error:
        job(tmp_path, more=LIVE)
    assert "workflow that deploys" in error.value.hint


@pytest.mark.parametrize(
    ("sections", "more", "pillars", "starting"),
    [
        (("latency", "regression"), "", ["regression", "latency"], None),
        (("preview", "latency", "capacity"), "", ["latency"], None),
        (("preview", "regression"), "", ["regression"], None),
        (("preview", "regression"), "gate: {require: [preview, regression]}\n", ["regression"], "preview"),
        (("preview", "latency"), "gate: {require: [preview, latency]}\n", ["latency"], None),
    ],
)
def test_pillars_follow_from_the_policy(
    tmp_path: Path, sections: tuple[str, ...], more: str, pillars: list[str], starting: str | None
) -> None:
    """Pillars of `check` with a section run, those with load last; a required preview runs if no load starts it."""
    run = job(tmp_path, *sections, more=more)
    assert [pillar.command for pillar in run.pillars] == pillars
    assert (run.starting_pillar.command if run.starting_pillar else None) == starting
    assert (run.base, run.services.context.base_sha) == ("b" * 40, "b" * 40)


@pytest.mark.parametrize("sections", [(), ("preview",)])
def test_a_policy_that_measures_nothing_is_refused(tmp_path: Path, sections: tuple[str, ...]) -> None:
    """A preview alone is no measurement; the hint names the sections that are."""
    with pytest.raises(PolicyError, match="measures nothing") as caught:
        job(tmp_path, *sections)
    assert all(f"`{name}:`" in caught.value.hint for name in ("latency", "regression"))


def test_inputs_of_the_same_name_are_shared(tmp_path: Path) -> None:
    """A pillar receives the inputs that it shares with `check`; values that it has no input for are left out."""
    inputs = job(tmp_path, "latency").inputs
    latency = shared_inputs(
        command_module("latency").Inputs, inputs, url="http://c", baseline_url="http://b", confirm="f"
    )
    assert (latency.policy, latency.leg, latency.seed) == ("policy.yml", "eu", 7)
    assert (latency.url, latency.baseline_url, latency.confirm) == ("http://c", "http://b", "f")
    regression = shared_inputs(command_module("regression").Inputs, inputs, url="http://c")
    assert (regression.leg, hasattr(regression, "url")) == ("eu", False)


@pytest.mark.parametrize(("leg", "expected"), [("", "confirm"), ("eu", "eu-confirm")])
def test_the_leg_of_a_confirming_run(leg: str, expected: str) -> None:
    """It is the leg of the failed run, with `confirm` appended."""
    assert confirm_leg(leg) == expected


def test_a_secret_in_the_environment_is_reported(tmp_path: Path) -> None:
    """The code of the change runs as the same user and could read it: the message names the variable, not its value."""
    (tmp_path / "policy.yml").write_text("version: 1\nservice: s\n" + SECTIONS["latency"])
    stream = io.StringIO()
    services = Services(
        context=Context(),
        environ={"HF_TOKEN": "s3cr3t", "PATH": "/bin"},
        cwd=tmp_path,
        now=lambda: datetime.now(UTC),
        console=Console(stream),
    )
    prepare(check.Inputs(policy="policy.yml"), services)
    assert "HF_TOKEN" in stream.getvalue()
    assert "s3cr3t" not in stream.getvalue()
