"""Reads the section `gate`."""

from __future__ import annotations

import re
from typing import get_args

import msgspec

from ghmlops.core import quantities
from ghmlops.core.errors import nearest
from ghmlops.core.pillars import PILLARS
from ghmlops.core.policy.gate import FirstRun, Gate, Override, Role, Window
from ghmlops.core.policyfile.yaml_reader import Located, listing, one_of, record, scalar, table, text
from ghmlops.core.text.plain_name import check_leg

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WINDOW = re.compile(
    rf"({'|'.join(_DAYS)})(?:-({'|'.join(_DAYS)}))? ([01][0-9]|2[0-3]):([0-5][0-9])-([01][0-9]|2[0-4]):([0-5][0-9])"
)
_TEAM = re.compile(r"[A-Za-z0-9-]{1,39}/[a-z0-9_.-]{1,100}")


def read_gate(at: Located) -> Gate:
    """Read the section.

    Raises:
        PolicyError: Names the file, line, key and the nearest valid one.
    """
    readers = {
        "environment": text,
        "require": listing(one_of(*(pillar.command for pillar in PILLARS))),
        "max-age": scalar(quantities.duration),
        "legs": table(_command, _legs),
        "first-run": one_of(*get_args(FirstRun)),
        "after": _after,
        "windows": listing(scalar(_window)),
        "time-zone": _time_zone,
        "override": record(Override, {"role": one_of(*get_args(Role)), "teams": listing(scalar(_team))}),
    }
    gate: Gate = record(Gate, readers)(at)
    # A single name stands for the environment of the policy.
    gate = msgspec.structs.replace(gate, after={name or gate.environment: first for name, first in gate.after.items()})
    for environment in gate.after:
        _check_order(gate.after, environment, at)
    return gate


def _after(at: Located) -> dict[str, str]:
    """Read the environment that comes first, or a table of environments; the name of a single one is left empty."""
    if isinstance(at.value, dict):
        return table(str, text)(at)
    return {"": text(at)}


def _check_order(after: dict[str, str], environment: str, at: Located) -> None:
    """Raise if an environment waits for itself, directly or through others."""
    path = [environment]
    while (first := after.get(path[-1], "")) and first not in path:
        path.append(first)
    if first:
        order = " after ".join([*path, first])
        raise at.error(f"`after`: {order}: no environment would ever open", "name each environment once, in one order")


def _window(text: str) -> Window:
    match = _WINDOW.fullmatch(text.strip().lower())
    if not match:
        raise ValueError(f'expected days and hours as in "mon-thu 09:00-16:00", got "{text[:60]}"')
    first, last = _DAYS.index(match[1]), _DAYS.index(match[2] or match[1])
    start, end = int(match[3]) * 60 + int(match[4]), int(match[5]) * 60 + int(match[6])
    if end <= start or end > 24 * 60:
        raise ValueError(f'"{match[0]}" does not end after it starts on the same day: write one window for each day')
    days = tuple((first + step) % 7 for step in range((last - first) % 7 + 1))
    return Window(days=days, start=start, end=end, notation=match[0])


def _time_zone(at: Located) -> str:
    import zoneinfo

    name, names = text(at), zoneinfo.available_timezones()
    if name not in names:
        raise at.error(f'"{name[:60]}" is not a time zone', nearest(name, tuple(sorted(names))))
    return name


def _team(name: str) -> str:
    if not _TEAM.fullmatch(name):
        raise ValueError(f'expected a team as `organisation/slug`, got "{name[:60]}"')
    return name


def _command(name: str) -> str:
    commands = tuple(pillar.command for pillar in PILLARS)
    if name not in commands:
        raise ValueError(f"expected a command that produces evidence: {', '.join(commands)}")
    return name


def _legs(at: Located) -> tuple[str, ...]:
    legs = listing(scalar(check_leg))(at)
    if not legs or len(set(legs)) < len(legs):
        raise at.error("expected the names of the legs, each once", "for example `latency: [eu, us]`")
    return legs
