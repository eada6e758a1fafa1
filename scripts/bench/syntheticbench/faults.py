"""Sixty seeded faults, five in each of twelve families, as patches of the services.

None of them was used to choose a constant or to write a relation: that was done with the faults of the tests
(`tests/generated_traffic_service.py`). What each of them does was written before the first run.
"""

# ruff: noqa: ANN401, ARG005  (patches of methods of any service)

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.syntheticbench.services import Refused

if TYPE_CHECKING:
    from collections.abc import Callable

SERVING = ("batch-leak", "state", "dtype", "time-zone", "padding", "tie-order")
"""Families that depend on how a row is served: built-in relations alone must find them."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault: its family, the service that has it, and the patch."""

    family: str
    service: str
    patch: Callable[[Any], None]
    what: str


def _number(change: Callable[[Any, dict[str, Any], str, float], float]) -> Callable[[Any], None]:
    """Return a patch of how a field is read: (service, row, name, value) -> value."""

    def patch(s: Any) -> None:
        usual = s.number
        s.number = lambda row, name: change(s, row, name, usual(row, name))

    return patch


def _factor(field: str, factor: float) -> Callable[[Any], None]:
    return _number(lambda s, row, name, value: value * factor if name == field else value)


def _factor_all(factor: float) -> Callable[[Any], None]:
    return _number(lambda s, row, name, value: value * factor)


def _swap(one: str, other: str) -> Callable[[Any], None]:
    def patch(s: Any) -> None:
        usual = s.number
        other_of = {one: other, other: one}
        s.number = lambda row, name: usual(row, other_of.get(name, name))

    return patch


def _transpose(s: Any) -> None:
    usual = s.number
    s.number = lambda row, name: usual(row, f"pixel_{int(name[6:]) % 8 * 8 + int(name[6:]) // 8}")


def _scaler(shift: float, stretch: float) -> Callable[[Any], None]:
    def patch(s: Any) -> None:
        s.mean = s.mean + shift * s.scale
        s.scale = s.scale * stretch

    return patch


def _stale_rows(s: Any) -> None:
    first = np.array([[row[n] if row[n] is not None else 0.0 for n in s.numbers] for row in s.rows[:20]])
    s.mean, s.scale = first.mean(axis=0), first.std(axis=0) + 1e-9


def _default(value: float) -> Callable[[Any], None]:
    def patch(s: Any) -> None:
        s.default = value

    return patch


def _missing_crashes(s: Any) -> None:
    usual = s.number

    def number(row: dict[str, Any], name: str) -> float:
        if row.get(name) is None and name == s.optional:
            raise TypeError(name)
        return float(usual(row, name))

    s.number = number


def _clip(field: str, high: float) -> Callable[[Any], None]:
    return _number(lambda s, row, name, value: min(value, high) if name == field else value)


def _clip_all(high: float) -> Callable[[Any], None]:
    return _number(lambda s, row, name, value: min(value, high))


def _rotated_labels(s: Any) -> None:
    s.labels = [s.labels[0], s.labels[2], s.labels[1]]


def _shifted_carriers(s: Any) -> None:
    s.carriers = [*s.carriers[1:], s.carriers[0]]


def _reversed_origins(s: Any) -> None:
    s.origins = s.origins[::-1]


def _unknown_carrier_crashes(s: Any) -> None:
    usual = s.carrier

    def carrier(row: dict[str, Any]) -> list[float]:
        s.carriers.index(row["carrier"]) if row["carrier"] in s.carriers else {}[row["carrier"]]
        return list(usual(row))

    s.carrier = carrier


def _zero_based_sex(s: Any) -> None:
    usual = s.number
    s.number = lambda row, name: usual(row, name) - (1 if name == "sex" else 0)


def _matrix(change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Any], None]:
    def patch(s: Any) -> None:
        usual = s.score
        s.score = lambda matrix: usual(change(matrix))

    return patch


def _centred(m: np.ndarray) -> np.ndarray:
    return m - m.mean(axis=0) if len(m) > 1 else m


def _batch_default(s: Any) -> None:
    """The missing value is the mean of the batch, as a data frame's `fillna(mean)` does."""
    usual = s.predict

    def predict(rows: Any) -> Any:
        values = [row[s.optional] for row in rows if row.get(s.optional) is not None]
        old, s.default = s.default, float(np.mean(values)) if len(rows) > 1 and values else s.default
        try:
            return usual(rows)
        finally:
            s.default = old

    s.predict = predict


def _batch_normalised(s: Any) -> None:
    usual = s.score
    s.score = lambda m: [v / max(usual(m)) if len(m) > 1 else v for v in usual(m)]


def _first_row_again(s: Any) -> None:
    """The last row of a batch of more than four is padding by the first one."""
    usual = s.score

    def score(m: np.ndarray) -> Any:
        scores = usual(m)
        return [*scores[:-1], scores[0]] if len(m) > 4 else scores

    s.score = score


def _smoothed(s: Any) -> None:
    usual, s.last = s.score, None

    def score(m: np.ndarray) -> Any:
        scores = [v if s.last is None else 0.95 * v + 0.05 * s.last for v in usual(m)]
        s.last = scores[-1]
        return scores

    s.score = score


def _cached_by(field: str) -> Callable[[Any], None]:
    def patch(s: Any) -> None:
        usual, s.cache = s.predict, {}

        def predict(rows: Any) -> Any:
            answers = usual(rows)
            if len(rows) != 1:
                return answers
            return [s.cache.setdefault(rows[0].get(field), answers[0])]

        s.predict = predict

    return patch


def _running_mean(s: Any) -> None:
    usual = s.vector

    def vector(row: dict[str, Any]) -> list[float]:
        values = np.array([s.number(row, name) for name in s.numbers])
        s.mean = 0.99 * s.mean + 0.01 * values
        return list(usual(row))

    s.vector = vector


def _last_value(s: Any) -> None:
    """A missing value is that of the request before."""
    usual = s.number

    def number(row: dict[str, Any], name: str) -> float:
        value = float(usual(row, name))
        if name == s.optional and row.get(name) is not None:
            s.default = value
        return value

    s.number = number


def _buffer(s: Any) -> None:
    usual, s.left = s.tokens, []

    def tokens(row: dict[str, Any]) -> list[str]:
        words = usual(row)
        result, s.left = [*s.left[-2:], *words], words
        return result

    s.tokens = tokens


def _raw_number(s: Any, read: Callable[[Any, str], float]) -> None:
    usual = s.number

    def number(row: dict[str, Any], name: str) -> float:
        usual(row, name)  # What is illegal stays illegal.
        value = row.get(name)
        return float(usual(row, name)) if value is None else float(read(value, name))

    s.number = number


def _integer_only(*fields: str) -> Callable[[Any], None]:
    def patch(s: Any) -> None:
        def read(value: Any, name: str) -> float:
            if name in fields and not isinstance(value, int):
                raise Refused(name)
            return float(value)

        _raw_number(s, read)

    return patch


def _parsed_digits(s: Any) -> None:
    def read(value: Any, name: str) -> float:
        text = str(value)
        return float(text) if not text.isdigit() else float(text) + 1e-2 * (name == s.numbers[0])

    _raw_number(s, read)


def _int_cast(s: Any) -> None:
    """Pixels go through `int(str(value))`, which 3.0 does not survive."""
    _raw_number(s, lambda value, name: float(int(str(value), 10)) if name == "pixel_20" else float(value))


def _half_in_batches(s: Any) -> None:
    usual = s.score
    s.score = lambda m: usual(m.astype(np.float16).astype(float) if len(m) > 1 else m)


def _typed_column(s: Any) -> None:
    """A batch is an array of integers if its first row has only whole numbers, as `np.array(first).dtype` decides."""
    usual = s.predict

    def predict(rows: Any) -> Any:
        whole = all(isinstance(rows[0].get(n), int) or float(rows[0].get(n) or 0).is_integer() for n in ("distance",))
        if whole and len(rows) > 1:
            rows = [{**r, "dep_delay": None if r["dep_delay"] is None else int(r["dep_delay"] / 2) * 2} for r in rows]
        return usual(rows)

    s.predict = predict


def _hour(read: Callable[[str], float]) -> Callable[[Any], None]:
    def patch(s: Any) -> None:
        usual = s.hour

        def hour(row: dict[str, Any]) -> float:
            usual(row)
            return float(read(row["time_hour"]))

        s.hour = hour

    return patch


def _local(text: str) -> float:
    return float(text[11:13])


def _dropped_offset(text: str) -> float:
    return float((int(text[11:13]) - 5) % 24)


def _only_zulu(text: str) -> float:
    return float((int(text[11:13]) - 5) % 24) if text.endswith("Z") else float(int(text[11:13]))


def _sign_lost(text: str) -> float:
    offset = 0 if text.endswith("Z") else int(text[-5:-3])
    return float((int(text[11:13]) - offset - 5) % 24)


def _by_day(text: str) -> float:
    from datetime import UTC, datetime

    day = int(text[8:10])
    return float((datetime.fromisoformat(text).astimezone(UTC).hour - 5) % 24 + (12 if day % 2 else 0))


def _padded_length(s: Any) -> None:
    s.pool = lambda values, mask: values.sum(axis=1) / values.shape[1]


def _padding_word(s: Any) -> None:
    usual = s.pad

    def pad(texts: Any) -> Any:
        values, mask = usual(texts)
        return np.where(mask > 0, values, 0.3), np.ones_like(mask)

    s.pad = pad


def _shortest(s: Any) -> None:
    usual = s.pad

    def pad(texts: Any) -> Any:
        values, mask = usual(texts)
        shortest = max(3, min(map(len, texts)))
        return values[:, :shortest], mask[:, :shortest]

    s.pad = pad


def _repeated_word(s: Any) -> None:
    usual = s.pad

    def pad(texts: Any) -> Any:
        longest = max(map(len, texts))
        return usual([[*text, *[text[-1]] * (longest - len(text))] for text in texts])

    s.pad = pad


def _shifted_mask(s: Any) -> None:
    s_pool = s.pool
    s.pool = lambda values, mask: s_pool(values, np.maximum(mask, np.roll(mask, 1, axis=1)))


def _order(key: Callable[[Any, Any, int], Any]) -> Callable[[Any], None]:
    def patch(s: Any) -> None:
        s.order = lambda votes: sorted(range(10), key=lambda label: (-int(votes[label]), key(s, votes, label)))

    return patch


def _ties_by_position(s: Any) -> None:
    usual, s.position = s.answer, 0
    predict = s.predict

    def restart(rows: Any) -> Any:
        s.position = 0
        return predict(rows)

    def answer(row: Any, votes: Any) -> Any:
        s.position += 1
        s.order = lambda v: sorted(range(10), key=lambda label: (-int(v[label]), label * (-1) ** (s.position - 1)))
        return usual(row, votes)

    s.predict, s.answer = restart, answer


def _ties_by_batch(s: Any) -> None:
    usual = s.predict

    def predict(rows: Any) -> Any:
        sign = -1 if len(rows) > 1 else 1
        s.order = lambda votes: sorted(range(10), key=lambda label: (-int(votes[label]), sign * label))
        return usual(rows)

    s.predict = predict


def _ties_by_keys(s: Any) -> None:
    usual = s.answer

    def answer(row: Any, votes: Any) -> Any:
        sign = 1 if next(iter(row)) == "pixel_0" else -1
        s.order = lambda v: sorted(range(10), key=lambda label: (-int(v[label]), sign * label))
        return usual(row, votes)

    s.answer = answer


_PATCHES: dict[str, tuple[tuple[str, Callable[[Any], None], str], ...]] = {
    "unit": (
        ("iris", _factor("petal_length", 1 / 2.54), "petal length in inches"),
        ("diabetes", _factor("bmi", 0.2048), "body mass index in pounds and feet"),
        ("cancer", _factor("radius", 10), "radius in millimetres"),
        ("flights", _factor("distance", 1.609), "distance in kilometres"),
        ("digits", _factor_all(16), "pixels from 0 to 255"),
    ),
    "column-swap": (
        ("iris", _swap("sepal_width", "petal_length"), "two lengths"),
        ("diabetes", _swap("tc", "ldl"), "two kinds of cholesterol"),
        ("cancer", _swap("texture", "radius"), "radius and texture"),
        ("flights", _swap("distance", "dep_delay"), "distance and delay"),
        ("digits", _transpose, "rows and columns of the image"),
    ),
    "stale-scaler": (
        ("iris", _scaler(0.2, 1.0), "means of last year"),
        ("diabetes", _scaler(0.0, 1.1), "deviations of last year"),
        ("cancer", _scaler(-0.3, 1.0), "means of another clinic"),
        ("flights", _scaler(0.1, 1.2), "of January alone"),
        ("diabetes", _stale_rows, "fitted on twenty rows"),
    ),
    "default": (
        ("iris", _default(0.0), "zero"),
        ("diabetes", _default(0.0), "zero"),
        ("cancer", _default(-1.0), "a sentinel"),
        ("flights", _default(60.0), "an hour"),
        ("cancer", _missing_crashes, "a crash"),
    ),
    "category-map": (
        ("iris", _rotated_labels, "labels in another order"),
        ("flights", _shifted_carriers, "carriers shifted by one"),
        ("flights", _reversed_origins, "origins in another order"),
        ("flights", _unknown_carrier_crashes, "an unknown carrier crashes"),
        ("diabetes", _zero_based_sex, "codes from zero"),
    ),
    "clipping": (
        ("iris", _clip("petal_length", 5.0), "petal length at 5"),
        ("diabetes", _clip("bmi", 35.0), "body mass index at 35"),
        ("cancer", _clip("radius", 18.0), "radius at 18"),
        ("flights", _clip("distance", 1500.0), "distance at 1,500"),
        ("digits", _clip_all(5.0), "pixels at 5"),
    ),
    "batch-leak": (
        ("iris", _matrix(_centred), "centred by the batch"),
        ("diabetes", _matrix(lambda m: m - 0.1 * m[0]), "first row subtracted"),
        ("cancer", _batch_default, "missing values from the batch"),
        ("flights", _batch_normalised, "divided by the largest of the batch"),
        ("digits", _first_row_again, "last row of the batch overwritten"),
    ),
    "state": (
        ("diabetes", _smoothed, "smoothed with the answer before"),
        ("iris", _cached_by("sepal_length"), "cached by one field"),
        ("cancer", _running_mean, "scaler that learns from requests"),
        ("flights", _last_value, "missing value of the request before"),
        ("reviews", _buffer, "buffer that is not emptied"),
    ),
    "dtype": (
        ("diabetes", _integer_only("age"), "1.0 is refused"),
        ("iris", _half_in_batches, "half precision in batches"),
        ("digits", _int_cast, "1.0 crashes"),
        ("flights", _typed_column, "type of a column by its first row"),
        ("diabetes", _parsed_digits, "whole numbers parsed otherwise"),
    ),
    "time-zone": (
        ("flights", _hour(_local), "local hour of any offset"),
        ("flights", _hour(_dropped_offset), "offset ignored"),
        ("flights", _hour(_only_zulu), "offsets other than Z are local"),
        ("flights", _hour(_sign_lost), "sign of the offset lost"),
        ("flights", _hour(_by_day), "day of the text, not of the instant"),
    ),
    "padding": (
        ("reviews", _padded_length, "mean over the padded length"),
        ("reviews", _padding_word, "padding has a valence"),
        ("reviews", _shortest, "truncated to the shortest"),
        ("reviews", _repeated_word, "padded with the last word"),
        ("reviews", _shifted_mask, "mask too long by one"),
    ),
    "tie-order": (
        ("digits", _ties_by_position, "by the position in the batch"),
        ("digits", _ties_by_batch, "in batches from the end"),
        ("digits", _ties_by_keys, "by the order of the keys"),
        ("digits", _order(lambda s, votes, label: random.random()), "at random"),  # noqa: S311  (a fault)
        ("digits", _order(lambda s, votes, label: (label + s.served) % 10), "by the number of requests"),
    ),
}
FAULTS = tuple(
    Fault(family, service, patch, what) for family, faults in _PATCHES.items() for service, patch, what in faults
)
assert (len(FAULTS), len(_PATCHES)) == (60, 12)


def jitter(s: Any) -> None:
    """Noise: the last digits of each score."""
    usual = s.score
    s.score = lambda m: [v * (1 + random.uniform(-1e-6, 1e-6)) for v in usual(m)]  # noqa: S311  (noise)


def identifier(s: Any) -> None:
    """Noise: an identifier in each answer."""
    import uuid

    usual = s.answer
    s.answer = lambda row, score: {**usual(row, score), "id": str(uuid.uuid4())}


def sampled(s: Any) -> None:
    """Noise: a label that is drawn by its probability."""
    usual = s.answer
    s.answer = lambda row, score: {**usual(row, score), "late": bool(random.random() < score)}  # noqa: S311  (noise)


NOISES = {"diabetes": jitter, "digits": identifier, "flights": sampled}
"""Three services that are truly nondeterministic."""
