"""Prints the documentation of a finding; without an argument lists all findings."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec

from ghmlops.commands.shared.base import OUTCOME_OUTPUTS, Common, Doc, Result
from ghmlops.core.adoption.explanations import FINDINGS, examples, sections_of
from ghmlops.core.errors import InputError
from ghmlops.core.model import Outcome
from ghmlops.report.formats import terminal

if TYPE_CHECKING:
    from ghmlops.commands.shared.base import Services

SITE = "https://github.com/ghmlops/ghmlops/blob/v1/"


class Inputs(Common, frozen=True, kw_only=True):
    """Inputs of `explain`."""

    finding: Annotated[
        str,
        Doc(description="Id of a finding, as in a comment or in evidence; empty: list.", extra={"positional": True}),
    ] = ""


OUTPUTS = OUTCOME_OUTPUTS


def run(inputs: Inputs, services: Services) -> Result:  # noqa: ARG001  (every command has this signature)
    """Print the sections that explain a finding, from the files of the package.

    Raises:
        InputError: There is no such finding.
    """
    if not inputs.finding:
        width = max(map(len, FINDINGS))
        lines = [f"{name:<{width}}  {pages[0]}" for name, pages in FINDINGS.items()]
        return _result("findings-listed", "All findings are listed.", [*lines], {"findings": list(FINDINGS)})
    pages = sections_of(inputs.finding)
    if not pages:
        close = difflib.get_close_matches(inputs.finding, examples(), n=3, cutoff=0.5)
        suggestion = f"did you mean {' or '.join(f'`{name}`' for name in close)}? " if close else ""
        raise InputError(
            f'"{inputs.finding[:80]}" is not a finding', hint=f"{suggestion}`ghmlops explain` lists the findings"
        )
    texts = msgspec.json.decode((Path(__file__).parent.parent / "explanations.json").read_bytes(), type=dict[str, str])
    lines = [line for page in pages for line in (*texts[page].splitlines(), "", f"{SITE}{page}", "")]
    return _result("finding-explained", f"{inputs.finding} is explained.", lines, {"pages": list(pages)})


def _result(code: str, reason: str, lines: list[str], data: dict[str, list[str]]) -> Result:
    return Result(outcome=Outcome.PASS, reason_code=code, reason=reason, text=terminal.block(lines), data={**data})
