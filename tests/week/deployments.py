"""How a change of the week gets to the users: measured, gated, recorded, and promoted."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from week.processes import start_service
from week.production import MEASURED
from week.traffic import measure

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from week.processes import Done
    from week.production import Production
    from week.traffic import Measured


class Gated(NamedTuple):
    """What the gate decided, and the outcome of the measurement."""

    decision: str
    outcome: str


def gate(production: Production, commit: str, base: str) -> Gated:
    """Measure a commit against the live one, ask the gate, and append its record to the history.

    The three commands are those of the actions, in this process.
    """
    production.update(commit)
    measured = production.measure("check", "--base", base)
    decided = production.command("gate", "--commit", commit)
    append_record(production, decided)
    production.update()
    return Gated(decided.outputs.get("decision", ""), measured.outputs.get("outcome", ""))


def append_record(production: Production, done: Done) -> None:
    """Append the record that a command left to the history, if it left one."""
    file = done.outputs.get("record-file")
    if not file:
        return
    folder = production.checkout / "records"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    shutil.move(production.checkout / file, folder)
    appended = production.command("history", "append", "--records", "records")
    assert appended.code == 0, appended.text


def prepare_servers(production: Production, commit: str, live: str) -> None:
    """Let the candidate's server run a commit without traffic, and those of the baseline what is live."""
    for arm in ("v1", "v1t"):
        production.serve(arm, live)
    production.return_weights()
    production.serve("v2", commit)


@contextmanager
def running_source(production: Production, source: str) -> Iterator[None]:
    """Run a version of the service in a process of its own, behind no router."""
    folder = production.folder / "versions" / MEASURED
    shutil.copytree(production.checkout, folder, ignore=shutil.ignore_patterns(".*", "logs"), dirs_exist_ok=True)
    (folder / "serve.py").write_text(source)
    process = start_service(folder, production.ports[MEASURED])
    try:
        yield
    finally:
        process.terminate()
        process.wait(10)


def measured_source(production: Production, source: str, seconds: float, levels: Sequence[float]) -> Measured:
    """Return what a version of the service does under load."""
    with running_source(production, source):
        return measure(production.ports[MEASURED], production.bodies, seconds, levels)
