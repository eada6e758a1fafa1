"""Evidence of an earlier run is never taken for that of this one: an error replaces it before anything is measured.

A command that fails leaves evidence with the outcome `error`. The file is written first, so that a command that is
killed leaves no older result behind either; the command's own evidence replaces it at the end.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from ghmlops.commands.shared.arguments import flag_values
from ghmlops.commands.shared.base import Common
from ghmlops.core.errors import GhmlopsError, InputError
from ghmlops.core.model import Finding, Outcome
from ghmlops.core.pillars import writes_evidence
from ghmlops.core.policy.document import DEFAULT_PATH
from ghmlops.core.verdict.confirmation import CONFIRM

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from ghmlops.commands.shared.base import Services
    from ghmlops.commands.shared.evidence import Recorder

MERGE_SHARDS = "merge-shards"
RESULT_COMMANDS = {MERGE_SHARDS: "latency"}
"""Commands that write the evidence of another command."""


@contextlib.contextmanager
def unfinished(
    command: str, inputs: Common, services: Services, *, leg: str | None = None, reads: Sequence[str] = ()
) -> Iterator[Recorder | None]:
    """Replace the evidence of an earlier run by an error, until the block has written that of this run.

    A block that raises leaves evidence with its error, unless it wrote evidence itself. A dry run changes nothing, and
    yields `None` in place of the recorder of the error, whose provenance is also that of the evidence of the block.

    Args:
        command: the command in the evidence.
        inputs: inputs of the command that runs.
        services: services of the command that runs.
        leg: replaces the leg of the inputs.
        reads: files that the command reads, which its evidence may not replace.

    Raises:
        InputError: The evidence cannot be written, its leg is not a plain name, its commit is unknown, or it would
            replace a file that the command reads.
    """
    if inputs.dry_run:
        yield None
        return
    leg = inputs.leg if leg is None else leg
    _check_inputs(command, leg, inputs, services, reads)
    recorder = _recorder(command, leg, inputs, services)
    placeholder = _write(recorder, "it did not finish: it was interrupted or killed, or it still runs")
    before = placeholder.read_bytes()
    try:
        yield recorder
    except Exception as error:
        if _content(placeholder) == before:
            _write(recorder, _problem(error))
        raise
    if _content(placeholder) == before:  # The command had nothing to write.
        placeholder.unlink()


def replace_unread(name: str, args: Sequence[str], environ: Mapping[str, str], services: Services) -> None:
    """Replace the evidence of a command whose inputs cannot be read, or remove its verdict.

    Args:
        name: the command.
        args: its flags.
        environ: the environment, whose variables `GHMLOPS_...` are inputs too.
        services: services that the command would have received.

    Raises:
        InputError: The evidence cannot be written.
    """
    from ghmlops.act.evidence import evidence_files
    from ghmlops.commands.shared.stale_evidence import old_verdict

    old_verdict.remove_unread_verdict(name, flag_values(old_verdict.FLAGS, args, environ), services.cwd)
    command = RESULT_COMMANDS.get(name, name)
    values = flag_values(("policy", "evidence-dir", "leg", "confirm", "shard", "rebuild", "dry-run"), args, environ)
    if not writes_evidence(command) or values.get("dry-run", "false").lower() not in ("false", "0", "no", "off"):
        return
    if values.get("rebuild"):
        command = "rebuild"
    leg = _leg(values.get("leg", "") or (CONFIRM if values.get("confirm") else ""), values.get("shard", ""))
    inputs = Common(
        leg=leg, policy=values.get("policy", DEFAULT_PATH), evidence_dir=values.get("evidence-dir", "evidence")
    )
    files = evidence_files(services.cwd / inputs.evidence_dir, command, leg)
    try:
        recorder = _recorder(command, leg, inputs, services)
    except InputError:
        if any(os.path.lexists(path) for path in files):
            raise
        return
    _write(recorder, "its inputs cannot be read")


def _leg(leg: str, shard: str) -> str:
    """Return the leg with that of a shard; a malformed shard has none."""
    from ghmlops.core.latency.shards.inputs import parse_shard, shard_leg

    try:
        part = parse_shard(shard)
    except InputError:
        return leg
    return shard_leg(leg, *part) if part else leg


def _recorder(command: str, leg: str, inputs: Common, services: Services) -> Recorder:
    """Open a recorder; without a known commit, evidence cannot be written, so that the old one is removed."""
    from ghmlops.act.evidence import remove_evidence
    from ghmlops.commands.shared.evidence import open_recorder

    try:
        return open_recorder(command, inputs, services, leg=leg)
    except InputError:
        with contextlib.suppress(InputError):  # The first error is the one to report.
            remove_evidence(services.cwd / inputs.evidence_dir, command, leg)
        raise


def _check_inputs(command: str, leg: str, inputs: Common, services: Services, reads: Sequence[str]) -> None:
    from ghmlops.act.evidence import evidence_files

    folder = services.cwd / inputs.evidence_dir
    written = {path.resolve() for path in evidence_files(folder, command, leg)}
    for name in reads:
        if name and (services.cwd / name).resolve() in written:
            raise InputError(f"{name}: the new evidence would replace the file", hint="use another --leg")


def _problem(error: Exception) -> str:
    if isinstance(error, GhmlopsError):
        return error.message + (f"; {error.hint}" if error.hint else "")
    return f"it ended with {type(error).__name__}, which is a bug; the log has the traceback"


def _write(recorder: Recorder, why: str) -> Path:
    """Write evidence with the outcome `error`, without companions."""
    from ghmlops.act.evidence import write_evidence
    from ghmlops.commands.shared.evidence import EvidenceContent, build
    from ghmlops.report.text.escape import printable

    reason = f"{recorder.command} could not be judged: {printable(why)[:2000]}."
    finding = Finding(
        id=f"{recorder.command}-not-judged",
        metric=recorder.command,
        outcome=Outcome.ERROR,
        reason=reason,
        docs="README.md#exit-codes",
        description="The command could measure and judge.",
    )
    return write_evidence(recorder.folder, build(recorder, EvidenceContent(findings=[finding])))


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
