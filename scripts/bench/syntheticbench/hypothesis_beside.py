"""Shrinking and rows beside Hypothesis: questions until the needed fields are known, and whether rows are the same.

Both shrinkers get the same problem: a failing and a passing row that differ in n fields, of which k together make the
difference. Hypothesis knows both rows: its simplest value is the passing one, and each field that it draws is set as
in the failing one. Questions about a set of fields that was asked before are not counted, for neither.
"""

from __future__ import annotations

import contextlib
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import find, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample

from bench.syntheticbench.runs import make
from ghmlops.core.synthetic.constants import SHRINK_REQUESTS
from ghmlops.core.synthetic.shrink import minimal

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Collection

    Shrinker = Callable[[int, "_Service"], Collection[int]]

SIZES = (4, 8, 16, 30)
"""Differing fields; those of a row of cancer are 30."""
NEEDED = (1, 2, 3)
PROBLEMS = 4
"""Problems of each size and number of needed fields."""
MAX_FLAGS = 16
"""Fields up to which Hypothesis draws a flag per field: with 30, it repeats questions for seconds per failure."""
MAX_REPEATED = 5_000
"""Questions after which a search ends, those included that were asked before."""


class _Spent(BaseException):
    """The questions are used up; not an `Exception`, which Hypothesis would shrink, too."""


class _Service:
    """Fails if all needed fields are as in the failing row.

    Attributes:
        questions: the sets of fields, and whether the service fails with them.
    """

    def __init__(self, needed: frozenset[int]) -> None:
        self._needed, self._calls = needed, 0
        self.questions: dict[frozenset[int], bool] = {}

    def fails(self, fields: Collection[int]) -> bool:
        key = frozenset(fields)
        self._calls += 1
        if key not in self.questions:
            if len(self.questions) == SHRINK_REQUESTS or self._calls > MAX_REPEATED:
                raise _Spent
            self.questions[key] = self._needed <= key
        return self.questions[key]

    def least(self) -> Collection[int]:
        return min((fields for fields, fails in self.questions.items() if fails), key=len, default=())


def _own(size: int, service: _Service) -> Collection[int]:
    service.fails(())
    service.fails(range(size))
    names = [str(index) for index in range(size)]
    return [int(name) for name in minimal(names, lambda paths: service.fails([int(path) for path in paths]))]


def _sets(size: int, service: _Service) -> Collection[int]:
    return _find(st.sets(st.sampled_from(range(size))), service)


def _flags(size: int, service: _Service) -> Collection[int]:
    flags = st.tuples(*[st.booleans()] * size)
    return _find(flags.map(lambda drawn: frozenset(index for index, flag in enumerate(drawn) if flag)), service)


def _find(strategy: st.SearchStrategy[Collection[int]], service: _Service) -> Collection[int]:
    """Search with Hypothesis; what it has found when it gives up, or the questions end, is the result."""
    limits = settings(database=None, deadline=None, max_examples=SHRINK_REQUESTS)
    with contextlib.suppress(NoSuchExample, _Spent):
        find(strategy, service.fails, settings=limits, random=random.Random(1))  # noqa: S311  (no secret)
    return service.least()


SHRINKERS: dict[str, Shrinker] = {"ours": _own, "sets of fields": _sets, "a flag per field": _flags}


def compare(arguments: argparse.Namespace) -> bool:
    """Print what both need, and the digest of rows of each version of Hypothesis; there is no goal."""
    print("fields  shrinker          questions: median  most  1-minimal  s per failure")
    for size in SIZES:
        chance = random.Random(arguments.seed + size)  # noqa: S311  (no secret)
        problems = [frozenset(chance.sample(range(size), k)) for k in NEEDED for _ in range(PROBLEMS)]
        for name, shrinker in SHRINKERS.items():
            if shrinker is _flags and size > MAX_FLAGS:
                continue
            services = [_Service(needed) for needed in problems]
            started = time.process_time()
            results = [set(shrinker(size, service)) for service in services]
            seconds = (time.process_time() - started) / len(problems)
            counts = [len(service.questions) for service in services]
            right = sum(one == needed for one, needed in zip(results, problems, strict=True))
            print(
                f"{size:6}  {name:16}  {statistics.median(counts):17g}  {max(counts):4}  {right:4} of {len(problems)}  "
                f"{seconds:13.3f}",
                flush=True,
            )
    return _rows(arguments)


def _rows(arguments: argparse.Namespace) -> bool:
    program = Path(__file__).with_name("hypothesis_digest.py")
    with tempfile.TemporaryDirectory() as name:
        rows = [json.dumps({"instances": [row]}) for row in make("iris").rows]
        Path(name, "rows.jsonl").write_text("\n".join(rows) + "\n")
        for folder in ("", *filter(None, arguments.hypothesis.split(","))):
            environment = {"PYTHONPATH": folder, "PATH": "/usr/bin:/bin"}
            command = [sys.executable, str(program), "rows.jsonl"]
            done = subprocess.run(command, cwd=name, capture_output=True, text=True, check=False, env=environment)
            print(f"rows by Hypothesis {done.stdout.strip() or done.stderr.strip()[-200:]}")
        print(f"written beside the payloads: {sorted(path.name for path in Path(name).iterdir())}")
    return True
