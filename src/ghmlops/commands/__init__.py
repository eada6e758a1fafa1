"""One file a command: `Inputs`, `OUTPUTS`, `run()`. The only place where measure, report and act meet.

`COMMANDS` is the visible table: a new command is a file here, a line below and, when it is also an action, a folder
in `actions/`. Nothing heavy is imported at the top of a command's file.
"""

from __future__ import annotations

from typing import NamedTuple


class Command(NamedTuple):
    """A line of the table."""

    name: str
    summary: str
    action: str
    """Path of its `action.yml` in this repository; empty for a command that runs locally only."""


COMMANDS = (
    Command("check", "run all that the policy asks for before a merge, and report", "action.yml"),
    Command(
        "preview", "start a service, or find it, wait until it is ready, give its URL", "actions/preview/action.yml"
    ),
    Command("latency", "latency smoke test; against a baseline, the paired verdict", "actions/latency/action.yml"),
    Command(
        "merge-shards",
        "join the evidence of a latency run's shards and judge their sum",
        "actions/merge-shards/action.yml",
    ),
    Command("capacity", "stress test: the highest rate that meets the objectives", "actions/capacity/action.yml"),
    Command("import", "another load generator's results, judged by the same policy", "actions/import/action.yml"),
    Command("regression", "diff of two Parquet prediction artifacts", "actions/regression/action.yml"),
    Command("report", "pull-request comment, job summary and pages, from evidence alone", "actions/report/action.yml"),
    Command("gate", "merge evidence into a verdict for one commit; record the deployment", "actions/gate/action.yml"),
    Command("revert", "write the revert commit for a bad commit, safely and once", "actions/revert/action.yml"),
    Command("policy", "`init` writes a starter policy, `check` validates one", ""),
)
