"""Sends each recorded request to all arms, at a limited rate and with a limited number of requests at once.

The recording is the queue: a slow candidate makes the run longer and receives no more requests at once. What could not
be sent within the time is reported, never forgotten.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ghmlops.core.load.call import Call
from ghmlops.core.policy.latency import Request
from ghmlops.measure.asking.sender import Limits, Sender

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from concurrent.futures import Future

    from ghmlops.core.answers.answer import Answer
    from ghmlops.core.policy.before_traffic.shadow import Send
    from ghmlops.core.shadow.recorded import Recorded
    from ghmlops.measure.load.target import Target

_STREAM = 17
"""Distinguishes the random numbers of the arms' order from others of the same seed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """Requests as they are sent: the variants of method and headers, and one call per request."""

    endpoints: list[Request]
    calls: list[Call]


def prepare(requests: Sequence[Recorded], headers: Sequence[Mapping[str, str]], timeout: float) -> Prepared:
    """Return the calls of recorded requests.

    Args:
        requests: requests that may be sent.
        headers: the headers of each.
        timeout: seconds until an answer must be complete.
    """
    variants: dict[tuple[str, tuple[tuple[str, str], ...]], int] = {}
    calls = []
    for request, own in zip(requests, headers, strict=True):
        key = (request.method, tuple(sorted(own.items())))
        index = variants.setdefault(key, len(variants))
        calls.append(Call(endpoint=index, path=request.path, body=request.body))
    endpoints = [Request(method=method, headers=dict(own), timeout=timeout) for method, own in variants]
    return Prepared(endpoints=endpoints, calls=calls)


class Arms:
    """Connections of all arms: one per arm and thread.

    Args:
        targets: the services, with the addresses that were probed.
        prepared: the requests.
        settings: how they are sent.
        seed: seed of the order in which the arms are asked.
    """

    def __init__(self, targets: Sequence[Target], prepared: Prepared, settings: Send, seed: int) -> None:
        self._targets, self._prepared, self._settings, self._seed = targets, prepared, settings, seed
        self._local = threading.local()
        self._senders: list[Sender] = []
        self._next_question = 0.0
        self._pool = ThreadPoolExecutor(max_workers=settings.workers, thread_name_prefix="shadow")

    def __enter__(self) -> Arms:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)
        for sender in self._senders:
            sender.close()

    def answers(self) -> Iterator[tuple[int, list[Answer]]]:
        """Yield index and answers of each request, in their order; ends early after the time of the settings."""
        started, gap = time.monotonic(), 1.0 / self._settings.rate
        pending: deque[tuple[int, Future[list[Answer]]]] = deque()
        for index in range(len(self._prepared.calls)):
            delay = started + index * gap - time.monotonic()
            if delay > 0:
                time.sleep(delay)
            if time.monotonic() - started > self._settings.budget:
                break
            pending.append((index, self._pool.submit(self._ask, index, index)))
            while len(pending) >= 2 * self._settings.workers or (pending and pending[0][1].done()):
                first, future = pending.popleft()
                yield first, future.result()
        for index, future in pending:
            yield index, future.result()

    def again(self, index: int, repetitions: int) -> list[list[Answer]]:
        """Ask a request again, each time in another random order of the arms, at the rate of the settings."""
        gap, futures = 1.0 / self._settings.rate, []
        for turn in range(repetitions):
            self._next_question = max(self._next_question + gap, time.monotonic())
            time.sleep(max(0.0, self._next_question - time.monotonic()))
            futures.append(self._pool.submit(self._ask, index, (index + 1) * 1000 + turn))
        return [future.result() for future in futures]

    def _ask(self, index: int, stream: int) -> list[Answer]:
        """Return the answers in the order of the arms, which are asked one after another in random order."""
        senders = self._thread_senders()
        order = np.random.default_rng([self._seed, _STREAM, stream]).permutation(len(senders))
        answers = {int(arm): senders[arm].ask(self._prepared.calls[index]) for arm in order}
        return [answers[arm] for arm in range(len(senders))]

    def _thread_senders(self) -> list[Sender]:
        senders: list[Sender] | None = getattr(self._local, "senders", None)
        if senders is None:
            senders = [Sender(target, self._prepared.endpoints, Limits()) for target in self._targets]
            self._local.senders = senders
            self._senders += senders
        return senders
