"""Two prediction artifacts of any size from a seed: every value is a function of the seed and its row number.

Rows can therefore be written in any order, by any number of threads, in the memory of a row group: an order is a
bijection of the row numbers, and the values of a row are hashes of its number. The correct result of a diff follows
from the numbers too, without a join. `generate.py FOLDER ROWS FILES SEED` runs as a separate process.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

sys.path.insert(0, str(Path(__file__).parents[2]))  # the scripts are not an installed package

from bench.regressionbench.data import MINIMUM_ROWS, SIDES, SLICES, Artifacts, Size

ROW_GROUP = 122_880
NAMES = {
    "device": ("phone", "desktop", "tablet", "tv", "watch"),
    "country": (
        "US", "IN", "BR", "DE", "GB", "FR", "JP", "MX", "ID", "ES",
        "IT", "CA", "NL", "PL", "TR", "SE", "CH", "NO", "DK", "FI",
    ),
    "plan": ("free", "basic", "pro", "team"),
}  # fmt: skip
SKEW = {"device": 1.5, "country": 2.0, "plan": 1.5}
DAYS, START, DAY = 30, 1_767_225_600_000_000, 86_400_000_000
"""Days of events; microseconds of 2026-01-01T00:00Z and of a day."""
BINS = 1 << 22
"""Bins of the scores for the true area under the curve: far finer than the required agreement."""
_FORMAT = 1
"""Incremented when the same parameters produce different data, so that cached artifacts are not reused."""
_WORDS = (
    "red", "blue", "fast", "cheap", "new", "used", "small", "large", "best", "near",
    "shoe", "phone", "chair", "lamp", "book", "game", "trip", "cake", "bike", "song",
)  # fmt: skip
_QUERIES = tuple(f"{first} {second} {third}" for first in _WORDS for second in _WORDS for third in _WORDS)
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)

Numbers = npt.NDArray[np.uint64]
Reals = npt.NDArray[np.float64]


def generated(folder: Path, size: Size) -> Artifacts:
    """Return the artifacts in `folder`, written unless they exist, are complete and have the same parameters."""
    artifacts = Artifacts(folder=folder, size=size)
    parameters = {**asdict(size), "format": _FORMAT}
    marker = folder / "made.json"
    is_current = marker.is_file() and json.loads(marker.read_text()) == parameters
    if not (is_current and all(file.is_file() for side in SIDES for file in artifacts.files(side))):
        marker.unlink(missing_ok=True)
        (folder / "truth.json").unlink(missing_ok=True)
        _write_all(artifacts)
        marker.write_text(json.dumps(parameters) + "\n")
    if not (folder / "truth.json").is_file():
        (folder / "truth.json").write_text(json.dumps(truth(size), indent=1) + "\n")
    return artifacts


def _write_all(artifacts: Artifacts) -> None:
    for side in SIDES:
        shutil.rmtree(artifacts.folder / side, ignore_errors=True)
        artifacts.files(side)[0].parent.mkdir(parents=True, exist_ok=True)
    jobs = [(side, number, file) for side in SIDES for number, file in enumerate(artifacts.files(side))]
    with ThreadPoolExecutor(max_workers=len(os.sched_getaffinity(0))) as pool:
        for done in [pool.submit(_write, artifacts.size, *job) for job in jobs]:
            done.result()


def _write(size: Size, side: str, number: int, file: Path) -> None:
    """Write one file of a side, one row group at a time."""
    first, last = (size.rows * n // size.files for n in (number, number + 1))
    # Without the Arrow schema: with it readers would restore the dictionaries, which are only used for writing.
    with pq.ParquetWriter(file, schema(), compression="zstd", store_schema=False) as writer:
        for positions in _chunks(first, last):
            rows = rows_at(size, side, positions)
            writer.write_table(pa.table(columns(size, side, rows), schema=schema()), row_group_size=ROW_GROUP)


def _chunks(first: int, last: int) -> list[Numbers]:
    return [np.arange(begin, min(begin + ROW_GROUP, last), dtype=np.uint64) for begin in range(first, last, ROW_GROUP)]


def schema() -> Any:  # noqa: ANN401  (pyarrow has no types)
    """Return the 14 columns and their types."""
    text = pa.dictionary(pa.int32(), pa.string())
    return pa.schema(
        {
            "id": pa.int64(),
            "clicked": pa.int32(),
            "p_click": pa.float64(),
            "y_pred": pa.int32(),
            "event_time": pa.timestamp("us", tz="UTC"),
            "device": text,
            "country": text,
            "plan": text,
            "user_id": pa.int64(),
            "query": text,
            "price": pa.float64(),
            "dwell": pa.float32(),
            "visits": pa.int32(),
            "age": pa.int32(),
        }
    )


def rows_at(size: Size, side: str, positions: Numbers) -> Numbers:
    """Return the numbers of the rows at some positions of a side.

    The baseline contains 0 .. rows - 1, the candidate changed .. rows + changed - 1, each in a separate order.
    """
    salt = SIDES.index(side)
    return shuffled(positions, size.rows, size.seed * 10 + salt) + np.uint64(salt * size.changed)


def columns(size: Size, side: str, rows: Numbers) -> dict[str, Any]:
    """Return the columns of some rows. A row that both sides have differs only in score and decision."""
    uniform, normal = _draws(size, rows)
    keys = shuffled(rows, size.rows + size.changed, size.seed * 10 + 7)
    label, scores = _predictions(size, rows)
    score = scores[SIDES.index(side)]
    categories = {name: pa.DictionaryArray.from_arrays(i, NAMES[name]) for name, i in _categories(size, rows).items()}
    return {
        "id": (keys * np.uint64(3) + np.uint64(1_000_000_007)).astype(np.int64),
        "clicked": label.astype(np.int32),
        "p_click": score,
        "y_pred": (score >= 0.5).astype(np.int32),
        "event_time": _moments(size, rows),
        **categories,
        "user_id": (uniform(11) ** 2 * max(size.rows // 8, 1)).astype(np.int64),
        "query": pa.DictionaryArray.from_arrays((uniform(12) ** 2 * len(_QUERIES)).astype(np.int32), _QUERIES),
        "price": np.round(np.exp(3 + normal(13)), 2),
        "dwell": np.exp(normal(15)).astype(np.float32),
        "visits": (-7 * np.log(uniform(17))).astype(np.int32),
        "age": (18 + 60 * uniform(18)).astype(np.int32),
    }


def _predictions(size: Size, rows: Numbers) -> tuple[npt.NDArray[np.bool_], tuple[Reals, Reals]]:
    """Return the labels and the scores of both sides: the probability of a click with noise, and with slightly more."""
    uniform, normal = _draws(size, rows)
    logit = 1.2 * normal(0) - 0.8
    noisy = logit + 0.3 * normal(2)
    return uniform(6) < _sigmoid(logit), (_sigmoid(noisy), _sigmoid(noisy + 0.05 * normal(4)))


def _moments(size: Size, rows: Numbers) -> npt.NDArray[np.int64]:
    return (START + _draws(size, rows)[0](7) * (DAYS * DAY)).astype(np.int64)


def _categories(size: Size, rows: Numbers) -> dict[str, npt.NDArray[np.int32]]:
    """Return the index into `NAMES` of each row, per slice column."""
    uniform, _ = _draws(size, rows)
    return {
        name: (uniform(8 + index) ** SKEW[name] * len(NAMES[name])).astype(np.int32) for index, name in enumerate(NAMES)
    }


def truth(size: Size) -> dict[str, float]:
    """Return the correct result of a diff of these artifacts; every mean is over the paired rows.

    The areas are computed from `BINS` bins, and are within 1e-6 of the exact areas.
    """
    sums = np.zeros(5)
    bins = np.zeros((2, 2, BINS), dtype=np.int64)  # side, label, bin
    days = np.zeros(DAYS, dtype=np.int64)
    cells = {by: np.zeros([len(NAMES[name]) for name in by], dtype=np.int64) for by in SLICES}
    for rows in _chunks(size.changed, size.rows):
        label, (first, second) = _predictions(size, rows)
        decisions = [score >= 0.5 for score in (first, second)]
        right = [(decision == label).sum() for decision in decisions]
        losses = [-np.log(np.where(label, score, 1 - score)).sum() for score in (first, second)]
        sums += [(decisions[0] != decisions[1]).sum(), *right, *losses]
        for side, score in enumerate((first, second)):
            for value in (0, 1):
                np.add.at(bins[side, value], (score[label == bool(value)] * BINS).astype(np.int64), 1)
        days += np.bincount((_moments(size, rows) - START) // DAY, minlength=DAYS)
        categories = _categories(size, rows)
        for by, counts in cells.items():
            np.add.at(counts, tuple(categories[name] for name in by), 1)
    paired = size.rows - size.changed
    return {
        "rows_baseline": size.rows,
        "rows_candidate": size.rows,
        "paired": paired,
        "missing": size.changed,
        "added": size.changed,
        "decision_changes": int(sums[0]),
        "accuracy_baseline": sums[1] / paired,
        "accuracy_candidate": sums[2] / paired,
        "log_loss_baseline": sums[3] / paired,
        "log_loss_candidate": sums[4] / paired,
        "auc_baseline": _area(bins[0]),
        "auc_candidate": _area(bins[1]),
        "slices": int(sum((counts >= MINIMUM_ROWS).sum() for counts in cells.values())),
        "windows": int((days >= MINIMUM_ROWS).sum()),
    }


def _area(bins: npt.NDArray[np.int64]) -> float:
    """Return the area under the curve of counts by label and bin; ties within a bin count one half."""
    below = np.cumsum(bins[0]) - bins[0] / 2
    return float((bins[1] * below).sum() / (float(bins[0].sum()) * float(bins[1].sum())))


def shuffled(numbers: Numbers, count: int, seed: int) -> Numbers:
    """Return the positions of `numbers` in a seeded order of 0 .. `count` - 1.

    A bijection: four rounds of a Feistel network over the next power of four, repeated for numbers outside the range
    (cycle walking, Black and Rogaway, 2002).
    """
    half = np.uint64(max((count - 1).bit_length() + 1, 2) // 2)
    mask = np.uint64((1 << int(half)) - 1)

    def step(values: Numbers) -> Numbers:
        left, right = values >> half, values & mask
        for turn in range(4):
            left, right = right, left ^ (_mixed(right, seed * 4 + turn) & mask)
        return (left << half) | right

    positions = step(numbers)
    outside = np.flatnonzero(positions >= count)
    while len(outside):
        positions[outside] = step(positions[outside])
        outside = outside[positions[outside] >= count]
    return positions


def _draws(size: Size, rows: Numbers) -> tuple[Callable[[int], Reals], Callable[[int], Reals]]:
    """Return two functions of a stream number, uniform in (0, 1) and normal (two streams), with one draw per row."""

    def uniform(name: int) -> Reals:
        bits = _mixed(rows, size.seed * 1000 + name)
        return ((bits >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53

    def normal(name: int) -> Reals:
        return np.asarray(np.sqrt(-2 * np.log(uniform(name))) * np.cos(2 * np.pi * uniform(name + 1)))

    return uniform, normal


def _mixed(values: Numbers, salt: int) -> Numbers:
    """Return 64 mixed bits of each value (the finaliser of SplitMix64: Steele, Lea and Flood, 2014)."""
    with np.errstate(over="ignore"):
        z = (values + np.uint64(salt % 2**32) * np.uint64(0xD1342543DE82EF95) + np.uint64(1)) * _GOLDEN
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def _sigmoid(values: Reals) -> Reals:
    return np.asarray(1 / (1 + np.exp(-values)))


if __name__ == "__main__":
    rows, files, seed = (int(word) for word in sys.argv[2:5])
    generated(Path(sys.argv[1]), Size(rows=rows, files=files, seed=seed))
