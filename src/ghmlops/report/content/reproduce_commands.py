"""Shell commands that measure the same commit again, with the same seeds, and report on it."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from ghmlops.core.context import is_sha
from ghmlops.core.details.imported import ImportDetails
from ghmlops.core.details.merge_shards import MergeShardsDetails
from ghmlops.core.pillars import find_pillar
from ghmlops.report.content.placed_findings import is_confirmation
from ghmlops.report.text.escape import copyable_commands

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.core.evidence.document import Evidence, Verdict
    from ghmlops.report.content.run_facts import Facts

MAX_COMMANDS = 20
MAX_NUMBER = 2**63
"""Numbers beyond it are no seed of this project; Python refuses to print very long ones."""
SHARDS_NOTE = "  # start all shards at once, then merge-shards"


def reproduce_commands(verdict: Verdict, evidence: Sequence[Evidence], facts: Facts) -> list[str]:
    """Return the lines for a shell; each is a complete command whose arguments the shell does not interpret.

    What one run of `check` measured, one run of `check` measures again. A command that cannot be displayed unchanged is
    left out as a whole, and a comment counts those.
    """
    lines = [f"git checkout {verdict.commit}"] if is_sha(verdict.commit) else []
    shared = [
        *(_option("--policy", facts.policy) if facts.policy else []),
        *_option("--evidence-dir", facts.evidence_dir),
    ]
    checks = [file for file in evidence if file.command == "check"]
    checked_legs = {file.leg for file in checks}
    files = [*checks, *(file for file in evidence if _runs_alone(file) and file.leg not in checked_legs)]
    lines += [_command(file, shared, evidence) for file in files[:MAX_COMMANDS]]
    lines.append(shlex.join(["ghmlops", "report", *shared, "--html", "report.html"]))
    if len(files) > MAX_COMMANDS:
        lines.append(f"# and {len(files) - MAX_COMMANDS} more legs")
    return copyable_commands(lines)


def _runs_alone(file: Evidence) -> bool:
    """Return whether a separate command reproduces the evidence; none does so for started arms and confirming runs."""
    pillar = find_pillar(file.command)
    measures = pillar is not None and not pillar.starts_arms
    return measures and bool(file.findings) and not is_confirmation(file.leg)


def _is_seeded(file: Evidence) -> bool:
    pillar = find_pillar(file.command)
    return pillar is not None and pillar.seeded


def _command(file: Evidence, shared: Sequence[str], evidence: Sequence[Evidence]) -> str:
    words = ["ghmlops", file.command, *shared, *(_option("--leg", file.leg) if file.leg else [])]
    sources = [one for one in evidence if one.leg == file.leg] if file.command == "check" else [file]
    seeds = [one.provenance.seed for one in sources if one.provenance.seed is not None and _is_seeded(one)]
    words += _option("--seed", _number(seeds[0])) if seeds else []
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
    words += ["--shard", f"1/{_number(file.details.shards_planned)}"]
    return f'{" ".join([shlex.join(words), *addresses])} --start-at "$START"{SHARDS_NOTE}'


def _option(flag: str, value: str) -> list[str]:
    """Return the words of an option; a value that looks like an option is joined to its flag."""
    return [f"{flag}={value}"] if value.startswith("-") else [flag, value]


def _number(value: int) -> str:
    """Return a number as an argument; a line break, which makes the command one that is left out, if it is absurd."""
    return str(value) if abs(value) < MAX_NUMBER else "\n"


def _import_options(details: ImportDetails) -> list[str]:
    """Return the options of `import`; unit and failures only for HdrHistogram files, which do not contain them."""
    words = [*_option("--file", details.file), *_option("--tool", details.tool)]
    if details.unit:
        words += _option("--unit", details.unit)
        words += [] if details.failed_requests.max is None else ["--failed", _number(details.failed_requests.max)]
    return words
