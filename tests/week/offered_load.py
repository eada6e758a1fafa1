"""Offers a steady load to one address over kept connections, and keeps what came back."""

from __future__ import annotations

import asyncio
import json
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

HEAD = b"POST /predict HTTP/1.1\r\nHost: scorer\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
TIME_LIMIT = 5.0
"""Seconds until a request counts as failed."""


class Answer(NamedTuple):
    """One answer: the payload, seconds since the request was due, and the score; `None` if it failed."""

    payload: int
    seconds: float
    score: float | None


def offer(port: int, rate: float, seconds: float, payloads: Sequence[bytes], seed: int = 1) -> list[Answer]:
    """Return the answers to a Poisson process of requests.

    Args:
        port: Port on loopback.
        rate: Requests per second.
        seconds: Length.
        payloads: Bodies, which are sent in turn.
        seed: Seed of the arrivals.
    """
    rng = np.random.default_rng(seed)
    due = np.sort(rng.uniform(0.0, seconds, max(1, round(rate * seconds))))
    return asyncio.run(_Client(port, payloads).send([float(moment) for moment in due]))


@contextmanager
def steady(port: int, rate: float, payloads: Sequence[bytes], when: Callable[[], bool]) -> Iterator[list[Answer]]:
    """Offer a load within the block, as long as `when` holds; the list grows."""
    answers: list[Answer] = []
    stop = threading.Event()

    def run() -> None:
        seed = 0
        while not stop.wait(0.05):
            if when():
                seed += 1
                answers.extend(offer(port, rate, 0.5, payloads, seed))

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield answers
    finally:
        stop.set()
        thread.join()


class _Client:
    def __init__(self, port: int, payloads: Sequence[bytes]) -> None:
        self._port, self._payloads = port, payloads
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def send(self, due: Sequence[float]) -> list[Answer]:
        start = asyncio.get_running_loop().time()
        tasks = [self._one(index % len(self._payloads), start + moment) for index, moment in enumerate(due)]
        try:
            return list(await asyncio.gather(*tasks))
        finally:
            for _, writer in self._idle:
                writer.close()

    async def _one(self, payload: int, due: float) -> Answer:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(max(0.0, due - loop.time()))
        try:
            async with asyncio.timeout(TIME_LIMIT):
                score: float | None = await self._ask(self._payloads[payload])
        except (OSError, TimeoutError, asyncio.IncompleteReadError, ValueError, KeyError):
            score = None
        return Answer(payload, loop.time() - due, score)

    async def _ask(self, body: bytes) -> float:
        reader, writer = (
            self._idle.pop() if self._idle else await asyncio.open_connection("127.0.0.1", self._port)
        )  # fmt: skip
        try:
            writer.write(HEAD % (len(body), body))
            head = await reader.readuntil(b"\r\n\r\n")
            answer = await reader.readexactly(int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]))
            score = float(json.loads(answer)["p_click"])
        except BaseException:
            with suppress(OSError):
                writer.close()
            raise
        self._idle.append((reader, writer))
        return score
