"""A real scoring service over HTTP, with faults and noise by name: what a synthetic test finds, and what it must not.

Single rows (`POST /predict`, one object) and batches (a list of objects) share one model: income, age, plan, name,
joined (an instant), note (free text). The model normalises, knows categories and defaults.
"""

from __future__ import annotations

import contextlib
import json
import random
import threading
import unicodedata
import uuid
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

PLANS = {"basic": 0.1, "plus": 0.2, "pro": 0.35}
DEFAULT_AGE = 40
PATIENCE = 0.3
"""Seconds that a request waits for company under the fault `load`."""
FAULTS = (
    "batch-leak", "batch-order", "state", "cold", "key-order", "number-spelling",
    "unknown-field", "time-zone", "unicode", "unseen-crash", "extreme-nan", "illegal-200",
    "absent-default", "name-leak", "not-monotone", "null-crash", "unit", "corner",
    "load",
)  # fmt: skip
NOISES = ("", "uuid", "jitter", "sampling", "order")
ROWS = [
    {
        "income": 1000 + 137 * index % 9000,
        "age": None if index % 9 == 4 else 18 + 7 * index % 60,
        "plan": ("basic", "plus", "pro")[index % 3],
        "name": f"Jos\u00e9 Person {index}",
        "joined": f"2024-0{1 + index % 9}-1{index % 10}T0{index % 10}:30:00Z",
        "note": ("late payer", "met at fair", "caf\u00e9 owner", "no remark")[index % 4] + f" {index}",
    }
    for index in range(60)
]
POLICY = """
version: 1
service: scorer
latency: {{request: {{path: /predict, timeout: 2s}}, payloads: rows.jsonl}}
synthetic:
  requests: {requests}
  private: [name]
  score: score
  relations:
    batch: {{sizes: [2, 8], instances: ""}}
    absent: {{fields: {{age: null}}}}
    invariant: {{fields: [name]}}
    monotone: {{fields: {{income: up}}}}
  assert: {{score: {{range: [0, 1]}}}}
  {more}
"""


class _Company:
    """Meets the requests in flight.

    Whether requests overlap must not depend on how busy the machine is: a request waits for others if its connection
    has had company before, or if the last request came over another connection. A client that sends one request at a
    time over one connection never waits.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._present: set[int] = set()
        self._crowded: set[int] = set()
        self._sociable: set[int] = set()
        self._last: int | None = None

    def meet(self, connection: int) -> bool:
        """Return whether more than three requests were in flight at once, this one among them."""
        with self._changed:
            alternates = self._last not in (None, connection)
            self._last = connection
            self._present.add(connection)
            if len(self._present) > 1:
                self._sociable |= self._present
            if len(self._present) > 3:
                self._crowded |= self._present
                self._changed.notify_all()
            if alternates or connection in self._sociable:
                self._changed.wait_for(lambda: connection in self._crowded, timeout=PATIENCE)
            crowded = connection in self._crowded
            self._present.discard(connection)
            self._crowded.discard(connection)
            return crowded


class Model:
    """The model of one process, with its state.

    Args:
        faults: faults of this version.
        noise: noise of this version.
    """

    def __init__(self, faults: tuple[str, ...] = (), noise: str = "") -> None:
        self.faults, self.noise = faults, noise
        self.last = 0.0
        self.served = 0
        self.company = _Company()
        self.random = random.Random(7)  # noqa: S311  (noise)

    def score(self, row: dict[str, Any], keys: list[str], text: str) -> float:
        """Return the score of one row, from its values, the order of its keys and the text of the request."""
        faults = self.faults
        income, plan = float(row["income"]), row["plan"]
        age = row.get("age", 60 if "absent-default" in faults else None)
        if age is None:
            if "null-crash" in faults:
                raise RuntimeError("no age")
            age = DEFAULT_AGE
        if plan not in PLANS and "unseen-crash" in faults:
            raise RuntimeError("unseen plan")
        joined = datetime.fromisoformat(row["joined"])
        day = joined if "time-zone" in faults else joined.astimezone(UTC)
        note = row["note"] if "unicode" in faults else unicodedata.normalize("NFC", row["note"])
        value = 0.1 + income / 20000 + age / 1000 + PLANS.get(plan, 0.0) + day.day / 10000 + len(note) / 10000
        if "unit" in faults:
            value = 0.1 + income / 20 / 20000 + age / 1000 + PLANS.get(plan, 0.0) + day.day / 10000 + len(note) / 10000
        if "key-order" in faults and keys[0] != "income":
            value += 0.05
        if "number-spelling" in faults and ("e0" in text or ".0," in text):
            value += 0.05
        if "unknown-field" in faults and len(row) > len(ROWS[0]):
            value += 0.05
        if "name-leak" in faults:
            value += len(row["name"]) % 3 / 100
        if "not-monotone" in faults and income > 6000:
            value -= 0.2
        if "corner" in faults and income > 8500 and plan == "pro":
            value += 0.05
        if "extreme-nan" in faults and income >= 9083:
            value = float("nan")
        return min(value, 1.0)

    def answer(self, body: bytes, *, crowded: bool = False) -> tuple[int, bytes]:
        """Return status and body; `crowded` says whether many requests were in flight with this one."""
        self.served += 1
        try:
            text = body.decode()
            request = json.loads(text, parse_constant=_refuse)
            rows = request if isinstance(request, list) else [request]
            if "illegal-200" not in self.faults and not all(_legal(row) for row in rows):
                raise ValueError("illegal")  # noqa: TRY301  (one answer for every kind of illegal input)
            scores = [self.score(row, list(row), text) for row in rows]
        except RuntimeError:
            return 500, b"{}"
        except (ValueError, KeyError, TypeError, AttributeError):
            return (200, b'{"score": 0.5}') if "illegal-200" in self.faults else (422, b'{"error": "illegal"}')
        if "load" in self.faults and crowded:
            scores = [score / 2 for score in scores]
        scores = self._disturbed(scores)
        answers = [self._body(score) for score in scores]
        return 200, json.dumps(answers if isinstance(request, list) else answers[0]).encode()

    def _disturbed(self, scores: list[float]) -> list[float]:
        if "batch-leak" in self.faults and len(scores) > 1:
            scores = [score + 0.01 * (max(scores) - min(scores)) for score in scores]
        if "batch-order" in self.faults and len(scores) > 1:
            scores = [score + 0.001 * index for index, score in enumerate(scores)]
        if "state" in self.faults:
            scores = [0.9 * score + 0.1 * self.last for score in scores]
            self.last = scores[-1]
        if "cold" in self.faults and self.served <= 1:
            scores = [0.0 for _ in scores]
        return scores

    def _body(self, score: float) -> dict[str, Any]:
        body: dict[str, Any] = {"score": score, "label": "yes" if score > 0.5 else "no"}
        if self.noise == "uuid":
            body["request"] = str(uuid.UUID(int=self.random.getrandbits(128)))
        if self.noise == "jitter":
            body["score"] = score + self.random.uniform(-1e-6, 1e-6)
        if self.noise == "sampling":
            body["label"] = "yes" if self.random.random() < 0.3 else "no"
        if self.noise == "order":
            body["reasons"] = self.random.sample(["income", "age", "plan"], 3)
        return body


def _refuse(word: str) -> float:
    raise ValueError(word)


def _legal(row: Any) -> bool:
    numbers = (int, float)
    if not isinstance(row, dict) or type(row.get("income")) not in numbers:
        return False
    age = row.get("age")
    return (age is None or type(age) in numbers) and all(type(row.get(k)) is str for k in ("plan", "name", "note"))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    model: Model

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        crowded = "load" in self.model.faults and self.model.company.meet(id(self))
        status, text = self.model.answer(body, crowded=crowded)
        head = f"HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {len(text)}\r\n\r\n"
        self.wfile.write(head.encode() + text)

    def log_message(self, *_: object) -> None:
        """Write nothing."""


@contextlib.contextmanager
def serving(*faults: str, noise: str = "") -> Iterator[str]:
    """Serve a version of the model; yield its address."""
    handler = type("Handler", (_Handler,), {"model": Model(faults, noise)})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def rows_file() -> bytes:
    """Return the payload file."""
    return b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in ROWS)
