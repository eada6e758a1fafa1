"""Runs the parts of the benchmark and prints each figure with its goal."""

from __future__ import annotations

import argparse
import json
import multiprocessing
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.syntheticbench.faults import FAULTS, NOISES, SERVING
from bench.syntheticbench.runs import Run, make, measure
from bench.syntheticbench.services import SERVICES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def _find(task: tuple[int, bool]) -> Run:
    fault, declared = FAULTS[task[0]], task[1]
    return measure(make(fault.service, fault.patch), make(fault.service), declared=declared, replay=declared)


def _both(index: int) -> Run:
    fault = FAULTS[index]
    return measure(make(fault.service, fault.patch), make(fault.service, fault.patch), declared=False)


def _unchanged(task: tuple[str, int]) -> Run:
    name, seed = task
    noise = [NOISES[name]] if name in NOISES else []
    return measure(make(name, *noise), make(name, *noise), declared=True, seed=seed)


def _pool(jobs: int) -> Any:  # noqa: ANN401  (a pool of processes)
    return multiprocessing.get_context("spawn").Pool(jobs)


def faults(arguments: argparse.Namespace) -> bool:
    """Goals Y1 and Y4: which of the 60 faults are found, how far failures shrink, and whether they can be replayed."""
    serving = [index for index, fault in enumerate(FAULTS) if fault.family in SERVING]
    with _pool(arguments.jobs) as pool:
        alone = dict(zip(serving, pool.imap(_find, [(index, False) for index in serving]), strict=True))
        complete = list(pool.imap(_find, [(index, True) for index in range(len(FAULTS))]))
    print(f"{'family':14} {'fault':40} {'service':9} {'built-in alone':30} with declared relations and the baseline")
    for index, (fault, run) in enumerate(zip(FAULTS, complete, strict=True)):
        by_itself = "" if index not in alone else ", ".join(alone[index].failed) or "MISSED"
        print(
            f"{fault.family:14} {fault.what:40} {fault.service:9} {by_itself:30} {', '.join(run.failed) or 'MISSED'}"
            + ("" if all(run.replayed.values()) else f"  NOT REPLAYED: {[k for k, v in run.replayed.items() if not v]}")
        )
    early, all_found = sum(bool(run.failed) for run in alone.values()), sum(bool(run.failed) for run in complete)
    runs = [*alone.values(), *complete]
    cases = [replayed for run in complete for replayed in run.replayed.values()]
    fields = [n for run in runs for n in run.fields]
    failures = len(fields)
    requests, seconds = max(run.requests for run in runs), max(run.seconds for run in runs)
    shrinking = [run.shrinking / len(run.fields) for run in runs if run.fields]
    most_replay = max((n for run in complete for n in run.replay_requests), default=0)
    print(f"Y1 serving faults by built-in relations alone: {early} of {len(serving)} (goal 90 %)")
    print(f"Y1 all faults: {all_found} of {len(FAULTS)} (goal 80 %)")
    processor = max(run.processor for run in runs)
    print(
        f"Y1 at most {requests:,} requests (goal 2,000), {seconds:.1f} s (goal 60), of which {processor:.1f} s of "
        "processor time, with both services"
    )
    print(
        f"Y4 1-minimal: {sum(run.minimal for run in runs)} of {failures} failures; fields: median "
        f"{statistics.median(fields):g}, at most {max(fields)} (goal 3); requests for shrinking per failure: at most "
        f"{max(shrinking):.0f} (goal 200)"
    )
    print(
        f"Y4 replays that fail again: {sum(cases)} of {len(cases)} saved cases, at most {most_replay} requests "
        "(goal 40)"
    )
    reproduced = [
        replayed for run in complete for name, replayed in run.replayed.items() if run.announced.get(name) is not False
    ]
    print(f"Y4 of those that the run itself saw fail again: {sum(reproduced)} of {len(reproduced)}")
    every = sum(any(run.replayed.values()) for run in complete if run.replayed)
    print(f"Y4 faults with a saved case that fails again: {every} of {sum(bool(run.replayed) for run in complete)}")
    return (
        early >= 0.9 * len(serving)
        and all_found >= 0.8 * len(FAULTS)
        and requests <= 2000
        and seconds <= 60
        and max(fields) <= 3
        and max(shrinking) <= 200
        and all(cases)
        and most_replay <= 40
    )


def unchanged(arguments: argparse.Namespace) -> bool:
    """Goals Y2 and Y5: failures without a change, and if the baseline has the fault, too."""
    names = [list(SERVICES)[run % len(SERVICES)] for run in range(arguments.runs)]
    both = [index for index, fault in enumerate(FAULTS) if fault.family in SERVING][:: 30 // arguments.both]
    with _pool(arguments.jobs) as pool:
        shared = pool.map(_both, both, chunksize=1)
        same = []
        for run in pool.imap(_unchanged, [(name, arguments.seed + run) for run, name in enumerate(names)]):
            same.append(run)
            if len(same) % 40 == 0:
                print(f"{len(same)} of {len(names)} runs, {sum(bool(one.failed) for one in same)} fail", flush=True)
    failed = Counter(name for name, run in zip(names, same, strict=True) if run.failed)
    noisy = sum(name in NOISES for name in names)
    print(
        f"Y2 failures on unchanged services: {sum(failed.values())} of {len(same)} runs (goal 0), {noisy} of them on "
        f"nondeterministic services {dict(failed) or ''}"
    )
    warned = sum(bool(run.warned) for run in shared)
    print(
        f"Y5 the fault on both sides: {sum(bool(run.failed) for run in shared)} of {len(shared)} fail (goal 0), "
        f"{warned} warn with both rates"
    )
    return not failed and not any(run.failed for run in shared)


def stream(arguments: argparse.Namespace) -> bool:
    """Goal Y3: the digest of all planned requests is the same with every Python found, whatever its hash seed."""
    pythons = [sys.executable, *filter(None, arguments.python.split(","))]
    program = Path(__file__).with_name("stream_digest.py")
    digests = []
    with tempfile.TemporaryDirectory() as name:
        rows = [json.dumps({"instances": [row]}) for row in make("reviews").rows]
        Path(name, "rows.jsonl").write_text("\n".join(rows) + "\n")
        for python in pythons:
            for hash_seed in ("0", "1"):
                command = [shutil.which(python) or python, str(program), str(Path(name, "rows.jsonl"))]
                environment = {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": arguments.pythonpath, "PATH": "/usr/bin:/bin"}
                done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
                digests.append(done.stdout.strip())
                print(f"Y3 {done.stdout.strip() or done.stderr.strip()[-200:]}")
    return len({digest.rpartition(" ")[2] for digest in digests}) == 1


def private(arguments: argparse.Namespace) -> bool:
    """Goal Y6: generated rows whose private value is that of a real row."""
    from ghmlops.core.synthetic.rows.fields import get
    from ghmlops.core.synthetic.rows.generate import Source, generate
    from ghmlops.core.synthetic.rows.profile import profile_of

    equal = total = 0
    for name, paths in {
        "reviews": ("author", "text"),
        "flights": ("tailnum", "carrier"),
        "diabetes": ("age", "bmi"),
    }.items():
        rows = make(name).rows
        source = Source(rows=rows, profile=profile_of(rows), private=paths)
        real = {path: {get(row, path)[1] for row in rows} for path in paths}
        for generated in generate(source, arguments.rows, arguments.seed):
            values = {path: get(generated.row, path) for path in paths}
            total += sum(present and value is not None for present, value in values.values())
            equal += sum(present and value is not None and value in real[p] for p, (present, value) in values.items())
    print(f"Y6 private values that are real ones: {equal} of {total:,} (goal 0)")
    return equal == 0


PARTS: dict[str, Callable[[argparse.Namespace], bool]] = {
    "faults": faults,
    "unchanged": unchanged,
    "stream": stream,
    "private": private,
}


def main(argv: Sequence[str]) -> int:
    """Run one part, or all."""
    from bench.syntheticbench import hypothesis_beside, mlserver, schemathesis_beside

    parts = PARTS | {
        "schemathesis": schemathesis_beside.compare,
        "hypothesis": hypothesis_beside.compare,
        "mlserver": mlserver.compare,
    }
    parser = argparse.ArgumentParser(description="ghmlops synthetic on real services with seeded faults")
    parser.add_argument("part", choices=[*parts, "all"])
    parser.add_argument("--runs", type=int, default=400, help="runs without a change")
    parser.add_argument("--mlserver-runs", type=int, default=10, help="runs without a change on MLServer")
    parser.add_argument("--both", type=int, default=6, help="runs with the fault on both sides")
    parser.add_argument("--rows", type=int, default=5000, help="generated rows of `private`")
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--python", default="", help="further Python interpreters for `stream`, by commas")
    parser.add_argument("--pythonpath", default="", help="PYTHONPATH of these")
    parser.add_argument("--schemathesis", default="st", help="command of Schemathesis")
    parser.add_argument("--every", type=int, default=1, help="of the faults, each so many beside Schemathesis")
    parser.add_argument("--hypothesis", default="", help="folders with other versions of Hypothesis, by commas")
    arguments = parser.parse_args(argv)
    parts_to_run = PARTS if arguments.part == "all" else {arguments.part: parts[arguments.part]}
    results = [part(arguments) for part in parts_to_run.values()]
    return 0 if all(results) else 1
