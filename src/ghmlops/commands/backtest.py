"""`ghmlops backtest`: judges the evidence and the artifacts of past runs by a new policy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.commands.shared.base import OUTCOME_OUTPUTS, Common, Result, dry_run_result
from ghmlops.core.errors import EvidenceError
from ghmlops.core.model import Outcome, conclude
from ghmlops.report.formats import terminal

if TYPE_CHECKING:
    from pathlib import Path

    from ghmlops.commands.shared.base import Services
    from ghmlops.core.evidence.document import Evidence
    from ghmlops.core.model import Finding
    from ghmlops.core.policy.document import Policy
    from ghmlops.core.policy.regression import Regression
    from ghmlops.core.verdict.backtest import PastRun

ROLES = ("baseline", "candidate", "labels")
MAX_RUNS = 1000


class Inputs(Common, frozen=True, kw_only=True):
    """Inputs of `backtest`: `policy` is the new policy, `evidence-dir` the folder of the past runs."""


OUTPUTS = OUTCOME_OUTPUTS


def run(inputs: Inputs, services: Services) -> Result:
    """Judge each folder below the evidence folder by the policy, and list the runs that would have failed.

    Raises:
        PolicyError: The policy is not valid.
        EvidenceError: There is no past run, or a file of one cannot be read.
        DataError: An artifact of a past run cannot be used.
    """
    from ghmlops.commands.shared.policy_file import load_policy

    policy = load_policy(services.cwd / inputs.policy, inputs.policy)
    root = services.cwd / inputs.evidence_dir
    folders = _folders(root, inputs.evidence_dir)
    if inputs.dry_run:
        return dry_run_result(f"{len(folders):,} past runs would be judged.", terminal.block(map(str, folders)))
    runs = [_judge(folder, _name(folder, root), policy, services) for folder in folders]
    failing = [past.name for past in runs if past.newly_fails]
    reason = f"{len(failing):,} of {len(runs):,} past runs would fail by {inputs.policy} and did not fail before."
    return Result(
        outcome=Outcome.PASS,
        reason_code="backtest",
        reason=reason,
        text=terminal.block([reason, *terminal.past_runs(runs)]),
        data={"runs": [_data(past) for past in runs], "newly_failing": failing},
    )


def _data(past: PastRun) -> dict[str, object]:
    return {
        "run": past.name,
        "commit": past.commit,
        "before": past.before.value if past.before else None,
        "after": past.after.value,
        "decisive": past.decisive,
        "judged": past.judged,
        "retained": past.retained,
    }


def _name(folder: Path, root: Path) -> str:
    return folder.name if folder == root else folder.relative_to(root).as_posix()


def _folders(root: Path, name: str) -> list[Path]:
    """Return the folders with evidence or with a pair of artifacts, sorted.

    Raises:
        EvidenceError: There is none, or there are too many.
    """
    if not root.is_dir():
        raise EvidenceError(f"evidence folder {name} does not exist", hint="name it with --evidence-dir")
    files = [*root.rglob("*.json"), *root.rglob("candidate.parquet")]
    folders = sorted({file.parent for file in files if file.name != "verdict.json"})
    if not folders:
        raise EvidenceError(
            f"{name} contains no past run",
            hint="a run is a folder with evidence files, or with baseline.parquet and candidate.parquet",
        )
    if len(folders) > MAX_RUNS:
        raise EvidenceError(f"{name} contains more than {MAX_RUNS:,} past runs", hint="name a smaller folder")
    return folders


def _judge(folder: Path, name: str, policy: Policy, services: Services) -> PastRun:
    from dataclasses import replace

    from ghmlops.core.verdict.backtest import PastRun, judge_past_run

    files = _evidence(folder, name)
    if policy.regression is None or not (folder / "candidate.parquet").exists():
        if not files:
            raise EvidenceError(f"{name}: there is nothing to judge", hint="the policy has no section `regression`")
        return judge_past_run(name, files, policy)
    content = _measure(folder, policy.regression, services)
    others = [file for file in files if file.command != "regression"]
    stored = [finding for file in others for finding in file.findings]
    after, code, _ = conclude([*content, *stored])
    past = PastRun(
        name=name, commit="", before=None, after=after, decisive=code, judged=len(content), retained=len(stored)
    )
    if not files:
        return past
    old = judge_past_run(name, files, policy)
    return replace(past, commit=old.commit, before=old.before)


def _measure(folder: Path, section: Regression, services: Services) -> list[Finding]:
    from ghmlops.commands.regression.measure import judge, observe_targets
    from ghmlops.measure.predictions.artifacts.source import Source
    from ghmlops.measure.predictions.engine.engines import Engine

    names = [role for role in ROLES if (folder / f"{role}.parquet").exists() or role in ROLES[:2]]
    sources = {role: Source.of(folder / f"{role}.parquet", f"{folder.name}/{role}.parquet") for role in names}
    return judge(observe_targets(Engine(), section, sources, services.console.progress), section).findings


def _evidence(folder: Path, name: str) -> list[Evidence]:
    """Return the evidence of a run.

    Raises:
        EvidenceError: A file cannot be read, so that the run cannot be judged.
    """
    from ghmlops.measure.evidence import load_folder

    files = []
    for file in load_folder(folder):
        if file.evidence is None:
            raise EvidenceError(f"{name}/{file.file}: {file.problem}", hint="remove the file, or download it again")
        files.append(file.evidence)
    return files
