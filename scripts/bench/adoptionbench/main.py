"""Runs the adoption of each repository, and prints what it took."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.adoptionbench.repositories import REPOSITORIES
from bench.adoptionbench.runs import change, commit, measure_by_check, measure_by_workflows, run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.adoptionbench.repositories import Repository
    from bench.adoptionbench.runs import Verdicts

MAX_EDITS = 2
MAX_MINUTES = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Adoption:
    """What the adoption of one repository took, and the verdicts that it reached."""

    repository: Repository
    edits: int
    init_seconds: float
    good: Verdicts
    bad: Verdicts

    @property
    def problems(self) -> list[str]:
        """What contradicts the goals; empty if nothing does."""
        problems = []
        if self.edits > MAX_EDITS:
            problems.append(f"{self.edits} manual edits")
        if self.good.minutes > MAX_MINUTES:
            problems.append(f"the first verdict took {self.good.minutes:.1f} min")
        if any(outcome not in ("pass", "warn") for outcome in self.good.outcomes.values()):
            problems.append(f"the good change: {self.good.outcomes}")
        affected = {k: v for k, v in self.bad.outcomes.items() if k not in self.repository.untouched}
        if list(affected.values()) != ["fail"]:
            problems.append(f"the bad change: {self.bad.outcomes}")
        for folder in self.repository.untouched:
            ids = [v.findings.get(folder) for v in (self.good, self.bad)]
            if ids != [["not-affected"], ["not-affected"]]:
                problems.append(f"{folder}: {ids}")
        return problems


def main(argv: Sequence[str]) -> int:
    """Adopt the suite in the repositories that are named, or in all of them; 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(r.name for r in REPOSITORIES))
    parser.add_argument("--local", action="store_true", help="measure by `ghmlops check`, without the runner")
    arguments = parser.parse_args(argv)
    selection = [r for r in REPOSITORIES if not arguments.names or r.name in arguments.names]
    if len(selection) < len(arguments.names):
        parser.error(f"a name is unknown: {', '.join(arguments.names)}")
    adoptions = []
    with tempfile.TemporaryDirectory(prefix="adoption-") as folder:
        owner = _owner_python(Path(folder) / "owner")
        # The machine that measures has Python and no package.
        subprocess.run([sys.executable, "-m", "venv", Path(folder) / "machine"], check=True)
        os.environ["PATH"] = f"{folder}/machine/bin{os.pathsep}{os.environ['PATH']}"
        for repository in selection:
            print(f"{repository.name}: {repository.layout}", flush=True)
            adoptions.append(_adopt(repository, Path(folder) / repository.name, owner, local=arguments.local))
            for problem in adoptions[-1].problems:
                print(f"  problem: {problem}")
            print(_row(adoptions[-1]), flush=True)
    print(_table(adoptions))
    return 1 if any(adoption.problems for adoption in adoptions) else 0


def _owner_python(folder: Path) -> dict[str, str]:
    """Return the environment of an owner, whose Python has the packages of every repository."""
    packages = ["fastapi", "joblib", "langid", "numpy", "pandas", "pyarrow", "scikit-learn", "uvicorn"]
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    # Downloads are kept, as on a machine that has built before.
    os.environ["PIP_CACHE_DIR"] = str(folder / "pip-cache")
    subprocess.run([folder / "bin/python", "-m", "pip", "install", "--quiet", *packages], check=True)
    return {**os.environ, "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"}


def _adopt(repository: Repository, folder: Path, owner: dict[str, str], *, local: bool) -> Adoption:
    work = folder / "owner"
    work.mkdir(parents=True)
    repository.write(work)
    run(["git", "init", "--quiet", "--initial-branch=main"], work)
    for command in repository.before:
        subprocess.run(["bash", "-euc", command], cwd=work, env=owner, check=True)
    commit(work, "Start")
    start = time.monotonic()
    for service, flags in repository.flags.items():
        run([sys.executable, "-m", "ghmlops", "init", *flags], work / service)
    seconds = time.monotonic() - start
    for service in repository.flags:
        run([sys.executable, "-m", "ghmlops", "policy", "check"], work / service)
    for edit in repository.edits:
        change(work, edit)
    commit(work, "Adopt ghmlops")
    measure = measure_by_check if local else measure_by_workflows
    good, bad = (
        measure(repository, work, folder / name, edit, owner)
        for name, edit in (("good", repository.good), ("bad", repository.bad))
    )
    return Adoption(repository=repository, edits=len(repository.edits), init_seconds=seconds, good=good, bad=bad)


def _table(adoptions: Sequence[Adoption]) -> str:
    lines = [
        "| repository | layout and data | edits | init, s | first verdict, min | CPU, min | good change | bad change |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    return "\n".join([*lines, *map(_row, adoptions)])


def _row(adoption: Adoption) -> str:
    one, good = adoption.repository, adoption.good
    outcomes = (", ".join(verdicts.outcomes.values()) for verdicts in (good, adoption.bad))
    return (
        f"| {one.name} | {one.layout}: {one.data} | {adoption.edits} | {adoption.init_seconds:.1f} "
        f"| {good.minutes:.1f} | {good.cpu_minutes:.1f} | {' | '.join(outcomes)} |"
    )
