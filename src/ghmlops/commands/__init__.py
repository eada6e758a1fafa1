"""One module or package per command: `Inputs`, `OUTPUTS` and `run`. The only place where measure, report and act meet.

`COMMANDS` is the table of commands. A pillar comes from `ghmlops.core.pillars`; any other command has a line here. A
command that is also an action has a folder in `actions/`. No module of a command imports anything heavy at its top.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, NamedTuple

from ghmlops.core.pillars import PILLARS

if TYPE_CHECKING:
    from types import ModuleType


class Command(NamedTuple):
    """A row of the table of commands."""

    name: str
    summary: str
    action: str
    """Path of its `action.yml` in this repository; empty for a command that runs locally only."""


def _action(name: str) -> str:
    return f"actions/{name}/action.yml"


COMMANDS = (
    Command("check", "run everything that the policy requires before a merge, and report", "action.yml"),
    *(Command(pillar.command, pillar.summary, _action(pillar.command)) for pillar in PILLARS),
    Command(
        "merge-shards", "join the evidence of the shards of a latency run and judge their sum", _action("merge-shards")
    ),
    Command("baseline", "find the commit to compare with, and download its predictions", _action("baseline")),
    Command("remeasure", "measure uploaded predictions again, without code of the change", _action("remeasure")),
    Command("store", "store evidence on a branch, for servers without artifacts", _action("store")),
    Command("report", "pull-request comment, job summary and pages, from evidence alone", _action("report")),
    Command("gate", "merge evidence into a verdict for one commit; record the deployment", _action("gate")),
    Command(
        "slash-command", "carry out a command in a comment, for a person whom GitHub confirms", _action("slash-command")
    ),
    Command("promote", "walk the traffic ladder, judge each rung, return the traffic on failure", _action("promote")),
    Command("revert", "write the revert commit for a bad commit, safely and once", _action("revert")),
    Command("history", "the record of every deployment: append, print, quarantine and caps", _action("history")),
    Command("init", "look at the repository; write a policy and workflows that run", ""),
    Command("explain", "print the documentation of a finding", ""),
    Command("backtest", "judge stored evidence and past artifacts by a new policy", ""),
    Command("policy", "`check` validates a policy and says what it runs and can detect", ""),
)


def command_module(name: str) -> ModuleType:
    """Import the module of a command of the table."""
    return importlib.import_module(f"ghmlops.commands.{name.replace('-', '_')}")
