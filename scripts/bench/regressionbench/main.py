"""The command line of `scripts/bench/regression`."""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from importlib import metadata
from pathlib import Path
from typing import Any

from ..loadbench.child import BenchError
from ..loadbench.main import facts as machine
from . import install, tables
from .data import SIDES, Artifacts, Size, rows_of
from .measure import last_words, run_measured, two_cores
from .peers import LIMITED, OURS, PEERS, TIMEOUT, Record, Tool, measure, python_of, select_peers

PARTS = ("diff", "limit")
EPILOG = """\
Every row is a separate process on the same two cores, whose wall time, processor time and peak memory are measured from
its start to its end. A time counts only if the result of the diff is correct. Exit code 0: every measured goal was met;
1: a goal was missed, or a diff failed or was wrong; 2: the benchmark cannot run on this machine.
"""


def main(words: Sequence[str]) -> int:
    """Install, generate, measure, print; return the exit code."""
    options = _options(words)
    try:
        if not options.no_install:
            install.install(say)
        if options.command == "install":
            return 0
        two_cores()
        with _folder(options.work) as work:
            return _measure(options, work)
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def say(text: str) -> None:
    """Print one line of progress."""
    print(text, file=sys.stderr, flush=True)


def _options(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/bench/regression",
        description="Compare the prediction diff with a scan, pandas, polars and datacompy.",
        epilog=EPILOG,
    )
    names = [tool.name for tool in PEERS]
    parser.add_argument("command", nargs="?", choices=["run", "generate", "install"], default="run")
    parser.add_argument("--rows", type=_sizes, default=[1_000_000, 10_000_000], help="rows per side (default 1M,10M)")
    parser.add_argument("--files", type=int, default=8, help="files per side; with 1 a file, not a folder (default 8)")
    parser.add_argument("--seed", type=int, default=2026, help="seed of the artifacts (default 2026)")
    parser.add_argument("--rounds", type=int, default=3, help="interleaved rounds (default 3)")
    parser.add_argument("--peers", type=_words(names), help="other tools, or `none`")
    parser.add_argument("--only", type=_words(PARTS), default=PARTS, help="`diff`, `limit` (ours under 512MB), or both")
    parser.add_argument("--timeout", type=float, default=TIMEOUT, help=f"seconds per run (default {TIMEOUT:g})")
    parser.add_argument("--work", type=Path, help="folder that keeps the artifacts (default: a temporary one)")
    parser.add_argument("--no-install", action="store_true", help="use only the tools that are installed")
    parser.add_argument("--json", type=Path, help="file to write the results to")
    options = parser.parse_args(words)
    if options.rounds < 1 or options.timeout <= 0 or not 1 <= options.files <= 99 or options.seed < 0:
        parser.error("at least one round, 1 to 99 files, a time limit above 0, a seed of at least 0")
    if options.command == "generate" and options.work is None:
        parser.error("generate needs --work FOLDER")
    return options


def _sizes(text: str) -> list[int]:
    try:
        return [rows_of(word) for word in text.split(",")]
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"numbers such as 1M,10M: {error}") from None


def _words(valid: Sequence[str]) -> Callable[[str], list[str]]:
    def split(text: str) -> list[str]:
        words = [] if text == "none" else text.split(",")
        if unknown := [word for word in words if word not in valid]:
            raise argparse.ArgumentTypeError(f"unknown: {', '.join(unknown)}; valid: {', '.join(valid)}")
        return words

    return split


@contextlib.contextmanager
def _folder(work: Path | None) -> Iterator[Path]:
    if work is not None:
        work.mkdir(parents=True, exist_ok=True)
        yield work.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="bench-regression-") as name:
        yield Path(name)


def _measure(options: argparse.Namespace, work: Path) -> int:
    if options.command == "generate":
        for rows in options.rows:
            generate(work, Size(rows=rows, files=options.files, seed=options.seed))
        return 0
    names = [tool.name for tool in PEERS] if options.peers is None else options.peers
    facts, begin, records, bytes_by_size = machine(), time.monotonic(), list[Record](), dict[str, int]()
    pythons, skipped = _installed(names)
    for sentence in skipped:
        say(sentence)
    for rows in options.rows:
        artifacts = generate(work, Size(rows=rows, files=options.files, seed=options.seed))
        bytes_by_size[artifacts.size.name] = artifacts.bytes
        tools, left = _tools(options, pythons, rows)
        skipped += left
        for record in rounds(artifacts, tools, options.rounds, options.timeout):
            records.append(record)
            say(f"  round {record.round + 1}, {record.tool}: {record.error or line(record)}")
    sizes = {record.size for record in records}
    result = {
        "machine": facts,
        "versions": {"duckdb": metadata.version("duckdb")}
        | {name: install.version(name) for name in ("datacompy", "pandas", "polars") if install.python()},
        "rounds": options.rounds,
        "files": options.files,
        "bytes": bytes_by_size,
        "took": round(time.monotonic() - begin, 1),
        "records": [asdict(record) for record in records],
        "skipped": skipped,
        "goals": [tables.judge(records, goal) for goal in tables.GOALS if goal.size in sizes],
    }
    if options.json is not None:
        options.json.write_text(json.dumps(result, indent=1, allow_nan=False) + "\n")
    show(result, records)
    return 1 if any(goal["met"] is False for goal in result["goals"]) or any(r.error for r in records) else 0


def _installed(names: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """Return the Python of each installed peer of `names`, and a message for each that is missing."""
    tools = [tool for tool in PEERS if tool.name in names]
    pythons = {tool.name: python for tool in tools if (python := python_of(tool))}
    return pythons, [f"{t.name}: skipped, {t.module} is not installed" for t in tools if t.name not in pythons]


def _tools(options: argparse.Namespace, pythons: dict[str, str], rows: int) -> tuple[list[tuple[Tool, str]], list[str]]:
    """Return the tools for artifacts of `rows` rows with their Python, and a message for each that is omitted."""
    with_peers = "diff" in options.only
    selection = select_peers(pythons, rows, explicit=options.peers is not None) if with_peers else []
    omitted = sorted(pythons.keys() - {tool.name for tool in selection}) if with_peers else []
    ours = [OURS] * with_peers + [LIMITED] * ("limit" in options.only)
    return [(tool, pythons.get(tool.name, sys.executable)) for tool in (*ours, *selection)], [
        f"{name}: not measured at {rows:,} rows, its goal has fewer; `--peers {name}` includes it" for name in omitted
    ]


def generate(work: Path, size: Size) -> Artifacts:
    """Return the artifacts of a size, written into `work` by a separate process unless they exist.

    Raises:
        BenchError: The artifacts cannot be written.
    """
    artifacts = Artifacts(folder=work / f"{size.name}-{size.files}-{size.seed}", size=size)
    say(f"{size.name}: {size.rows:,} rows per side in {size.files} file{'s' * (size.files > 1)} each")
    artifacts.folder.mkdir(exist_ok=True)
    words = [str(artifacts.folder), str(size.rows), str(size.files), str(size.seed)]
    run = run_measured([sys.executable, str(Path(__file__).with_name("generate.py")), *words], timeout=3600, cwd=work)
    if run.code:
        raise BenchError(f"the artifacts cannot be generated: {last_words(run)}")
    say(f"  {artifacts.bytes / 1e6:,.0f} MB, in {run.wall:.0f} s")
    return artifacts


def rounds(artifacts: Artifacts, tools: Sequence[tuple[Tool, str]], count: int, timeout: float) -> Iterator[Record]:
    """Run every row once per round, in a random order per round. A row that failed is not run again."""
    failed = dict[str, str]()
    _warm(artifacts)
    for number in range(count):
        order = list(tools)
        random.Random(number).shuffle(order)  # noqa: S311  (an order, not a secret)
        for tool, python in order:
            record = Record(size=artifacts.size.name, round=number, tool=tool.name, error=failed.get(tool.name, ""))
            if not record.error:
                record = _run(tool, python, artifacts, record, timeout)
            if record.error:
                failed[tool.name] = f"not run again after: {record.error.removeprefix('not run again after: ')}"
            yield record


def _warm(artifacts: Artifacts) -> None:
    """Read the files once, so that no row includes the time of the disk."""
    for file in (file for side in SIDES for file in artifacts.files(side)):
        with file.open("rb") as stream:
            while stream.read(1 << 20):
                pass


def _run(tool: Tool, python: str, artifacts: Artifacts, empty: Record, timeout: float) -> Record:
    try:
        with tempfile.TemporaryDirectory(prefix="bench-regression-run-") as folder:
            figures, facts = measure(tool, python, artifacts, Path(folder), timeout)
    except BenchError as failure:
        return replace(empty, error=str(failure))
    return replace(empty, figures=figures, facts=facts)


def line(record: Record) -> str:
    """Return the figures of one run on one line."""
    return ", ".join(f"{name} {tables.format_figure(name, value)}" for name, value in record.figures.items())


def show(result: dict[str, Any], records: Sequence[Record]) -> None:
    """Print the tables."""
    print("\n" + ", ".join(f"{name}: {value}" for name, value in (result["machine"] | result["versions"]).items()))
    for size in dict.fromkeys(record.size for record in records):
        print(f"\n{size} x 2 rows, {result['bytes'][size] / 1e6:,.0f} MB\n\n{tables.size_table(records, size)}")
    if result["skipped"]:
        print("\n" + "\n".join(result["skipped"]))
    if result["goals"]:
        print(f"\nGoals: median of the rounds\n\n{tables.goal_table(result['goals'])}")
