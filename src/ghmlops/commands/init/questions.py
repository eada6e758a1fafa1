"""Asks on a terminal for what the repository does not show. Without a terminal nothing is asked."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import msgspec

from ghmlops.commands.init.proposal import propose
from ghmlops.core.adoption.policy_text import missing_roles

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ghmlops.commands.init.inputs import Inputs
    from ghmlops.commands.shared.base import Services
    from ghmlops.core.adoption.policy_text import Proposal

MAX_ANSWER = 1000
"""Characters of an answer."""


def answered(inputs: Inputs, services: Services) -> Inputs:
    """Return the inputs with the answers of the user; an empty answer leaves the input empty."""
    if not _interactive(services) or inputs.starter or inputs.json:
        return inputs
    proposal = propose(inputs, services)
    for name, question in _questions(proposal):
        services.console.write(f"{question} (empty: leave out): ")
        answer = sys.stdin.readline(MAX_ANSWER).strip()
        inputs = msgspec.structs.replace(inputs, **{name: answer}) if answer else inputs
    return inputs


def _interactive(services: Services) -> bool:
    try:
        return sys.stdin is not None and sys.stdin.isatty() and services.console.terminal
    except ValueError:  # Standard input is closed.
        return False


def _questions(proposal: Proposal) -> Iterator[tuple[str, str]]:
    if not proposal.has_service:
        yield "command", "Command that starts the service, with {port}"
    if not proposal.path:
        yield "path", "Path that receives prediction requests"
    if not proposal.payloads:
        yield "payloads", "File with one request body per row (.jsonl or .parquet)"
    if not (proposal.candidate or proposal.predict):
        yield "candidate", "Parquet file with predictions"
    if proposal.uncommitted and not proposal.predict:
        yield "predict", f'Shell text that writes {proposal.candidate}, which git does not track, to "$PREDICTIONS"'
    for name, _ in missing_roles(proposal):
        yield name, f"Column of the {name}" if name != "task" else "Task (binary, multiclass, regression, ranking)"
