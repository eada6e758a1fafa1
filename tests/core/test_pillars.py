"""The table of pillars agrees with the commands, the policy and the typed details."""

from __future__ import annotations

import typing

import msgspec
import pytest

from ghmlops.commands import COMMANDS, command_module
from ghmlops.core.details import Details
from ghmlops.core.pillars import PILLARS, Pillar, find_pillar, is_deterministic
from ghmlops.core.policy.document import Policy
from ghmlops.core.policyfile.document import READERS


def inputs_of(pillar: Pillar) -> tuple[str, ...]:
    """Names of the inputs of a pillar's command."""
    fields: tuple[str, ...] = command_module(pillar.command).Inputs.__struct_fields__
    return fields


@pytest.mark.parametrize("pillar", PILLARS, ids=lambda pillar: str(pillar.command))
def test_a_row_agrees_with_its_command(pillar: Pillar) -> None:
    """A seeded pillar has the input `seed`, and one that sends load has the input `url`; no other pillar has both."""
    inputs = inputs_of(pillar)
    assert ("seed" in inputs) is pillar.seeded
    assert (pillar.sends_load, pillar.starts_arms).count(True) == int("url" in inputs)
    assert pillar.command in [command.name for command in COMMANDS]


@pytest.mark.parametrize("pillar", [p for p in PILLARS if p.sends_load and p.in_check], ids=lambda p: str(p.command))
def test_check_can_compare_and_confirm_what_it_loads(pillar: Pillar) -> None:
    """`check` passes both addresses, and the failed evidence to a confirming run."""
    assert {"url", "baseline_url", "confirm", "leg"} <= set(inputs_of(pillar))


def test_a_section_has_a_type_and_a_reader() -> None:
    """Every section of the table is a field of the policy and a key of its reader."""
    sections = {pillar.section for pillar in PILLARS if pillar.section}
    assert sections <= set(Policy.__struct_fields__)
    assert sections <= set(READERS)


def test_required_follows_from_the_sections() -> None:
    """Without `gate.require`, the gate requires the required pillars whose section the policy has."""
    assert Policy(service="s").required == ()
    required = [pillar.command for pillar in PILLARS if pillar.required]
    assert required == ["latency", "synthetic", "shadow", "regression"]


def test_find_pillar() -> None:
    """A command that is no pillar has no row and is not deterministic."""
    assert find_pillar("report") is None
    assert [pillar.command for pillar in PILLARS if is_deterministic(pillar.command)] == ["regression"]
    assert not is_deterministic("report")


def test_details_are_tagged_by_a_command() -> None:
    """The tag of each struct of details is a pillar or a command that writes the evidence of one."""
    tags = {kind.__struct_config__.tag for kind in typing.get_args(Details)}
    pillars = {"latency", "capacity", "import", "regression", "synthetic", "shadow", "watch", "scale"}
    assert tags == {*pillars, "merge-shards", "rebuild", "harvest"}
    assert {kind.__struct_config__.tag_field for kind in typing.get_args(Details)} == {"command"}
    assert all(issubclass(kind, msgspec.Struct) for kind in typing.get_args(Details))
