"""Shell commands that measure the same commit again, with the same seeds, and report on it."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from ghmlops.core.context import is_sha
from ghmlops.core.details.imported import ImportDetails
from ghmlops.core.details.merge_shards import MergeShardsDetails
from ghmlops.core.pillars import find_pillar
from ghmlops.report.content.placed_findings import format_value, is_confirmation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.core.evidence.document import Evidence, Verdict
    from ghmlops.report.content.run_facts import Facts

MAX_COMMANDS = 20


def reproduce_commands(verdict: Verdict, evidence: Sequence[Evidence], facts: Facts) -> list[str]:
    """Return the lines for a shell.

    What one run of `check` measured, one run of `check` measures again.
    """
    lines = [f"git checkout {verdict.commit}"] if is_sha(verdict.commit) else []
    shared = [*(["--policy", facts.policy] if facts.policy else []), "--evidence-dir", facts.evidence_dir]
    checks = [file for file in evidence if file.command == "check"]
    checked_legs = {file.leg for file in checks}
    files = [*checks, *(file for file in evidence if _runs_alone(file) and file.leg not in checked_legs)]
    lines += [_command(file, shared, evidence) for file in files[:MAX_COMMANDS]]
    if len(files) > MAX_COMMANDS:
        lines.append(f"# and {len(files) - MAX_COMMANDS} more legs")
    return [*lines, shlex.join(["ghmlops", "report", *shared, "--html", "report.html"])]


def _runs_alone(file: Evidence) -> bool:
    """Return whether a separate command reproduces the evidence; none does so for started arms and confirming runs."""
    pillar = find_pillar(file.command)
    measures = pillar is not None and not pillar.starts_arms
    return measures and bool(file.findings) and not is_confirmation(file.leg)


def _is_seeded(file: Evidence) -> bool:
    pillar = find_pillar(file.command)
    return pillar is not None and pillar.seeded


def _command(file: Evidence, shared: Sequence[str], evidence: Sequence[Evidence]) -> str:
    words = ["ghmlops", file.command, *shared, *(["--leg", file.leg] if file.leg else [])]
    sources = [one for one in evidence if one.leg == file.leg] if file.command == "check" else [file]
    seeds = [one.provenance.seed for one in sources if one.provenance.seed is not None and _is_seeded(one)]
    words += ["--seed", format_value(seeds[0])] if seeds else []
    words += _import_options(file.details) if isinstance(file.details, ImportDetails) else []
    if file.command == "check" and is_sha(file.provenance.base_sha):
        words += ["--base", file.provenance.base_sha]
    pillar = find_pillar(file.command)
    arms = {measurement.arm for measurement in file.measurements} if pillar and pillar.sends_load else set()
    # Addresses of deployments do not outlive the run, so the reader fills them in.
    addresses = ['--url "$URL"'] if arms else []
    addresses += ['--baseline-url "$BASELINE_URL"'] if "baseline" in arms else []
    if not isinstance(file.details, MergeShardsDetails):
        return " ".join([shlex.join(words), *addresses])
    words += ["--shard", f"1/{format_value(file.details.shards_planned)}"]
    note = "# start all shards at once, then run `ghmlops merge-shards`"
    return f'{" ".join([shlex.join(words), *addresses])} --start-at "$START"  {note}'


def _import_options(details: ImportDetails) -> list[str]:
    """Return the options of `import`; unit and failures only for HdrHistogram files, which do not contain them."""
    words = ["--file", details.file, "--tool", details.tool]
    if details.unit:
        words += ["--unit", details.unit]
        words += [] if details.failed_requests.max is None else ["--failed", format_value(details.failed_requests.max)]
    return words
