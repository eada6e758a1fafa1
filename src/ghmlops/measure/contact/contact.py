"""Sends a few requests to each endpoint of an arm before the load, and returns what it answers."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from ghmlops.core.errors import GhmlopsError
from ghmlops.core.latency.contact.first_answers import FirstAnswer
from ghmlops.core.latency.kind import Kind
from ghmlops.core.load.redirects import RedirectError
from ghmlops.measure.contact.http1 import HttpAnswer, exchange
from ghmlops.measure.load.checks import Check
from ghmlops.measure.load.engine import run_load
from ghmlops.measure.load.protocols import http1_request
from ghmlops.measure.load.redaction import redact, secret_words
from ghmlops.measure.load.redirects.hop_target import contact_hop
from ghmlops.measure.load.redirects.rewriting import is_same_origin, resolve_redirect, rewrite

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ghmlops.measure.load.load import Load
    from ghmlops.measure.load.target import Target

MAX_ATTEMPTS = 3
"""Requests per endpoint, each with another payload, of which every one must be answered badly: one payload may be
refused, and one answer may be an accident."""
MAX_SECONDS = 10.0
"""Maximum time of one request in seconds; whether a slower endpoint works is for the load to find out."""
EXCERPT = 160
"""Characters of an answer that are quoted."""
_ANSWERS = (Kind.STATUS, Kind.REDIRECT)


def first_answers(load: Load, target: Target, ranges: Sequence[range]) -> list[FirstAnswer]:
    """Return one answer per endpoint.

    Args:
        load: the load that will be sent; its calls, endpoints, limits and privacy apply.
        target: the arm, with the address that was probed.
        ranges: for each endpoint, the range of its calls.
    """
    ask = _http1_answer if load.protocol == "http/1.1" else _generator_answer
    answers = []
    for endpoint, calls in zip(load.endpoints, ranges, strict=True):
        name = f"{endpoint.method} {endpoint.public_path}"
        answers.append(msgspec.structs.replace(_first_answer(ask, load, target, calls), endpoint=name))
    return answers


def _first_answer(
    ask: Callable[[Load, Target, int], FirstAnswer], load: Load, target: Target, calls: range
) -> FirstAnswer:
    """Return the first good answer; if all are bad, the first one."""
    answers: list[FirstAnswer] = []
    for index in _spread(calls):
        answers.append(ask(load, target, index))
        if not answers[-1].problem:
            return answers[-1]
    return answers[0] if answers else FirstAnswer(endpoint="")


def _spread(calls: range) -> list[int]:
    """Return the first, the middle and the last call; a single call is sent several times."""
    return [calls[0], calls[len(calls) // 2], calls[-1]] if calls else []


def _http1_answer(load: Load, target: Target, index: int) -> FirstAnswer:
    call = load.calls[index]
    endpoint = load.endpoints[call.endpoint]
    (request,) = http1_request.prepare(load.endpoints, target, [call])
    check, seconds = Check(endpoint.expect), min(endpoint.timeout, MAX_SECONDS)
    answer, why = exchange(target, request, seconds), ""
    if endpoint.follow_redirect and check.classify_status(answer.status)[0] is Kind.REDIRECT:
        answer, why = _follow(load, target, request, answer, seconds)
    kind, _ = check.classify_status(answer.status, answer.retry_after)
    problem = _describe(answer, load) + why if answer.status and kind in _ANSWERS else ""
    return FirstAnswer(endpoint="", problem=problem, media_type=answer.media_type[:80])


def _follow(load: Load, target: Target, request: bytes, answer: HttpAnswer, seconds: float) -> tuple[HttpAnswer, str]:
    """Return the answer that a redirect leads to; if it is not followed, the redirect and the reason."""
    try:
        hop = resolve_redirect(request, target, answer.status, answer.location)
        same = is_same_origin(hop, target)
        other = target if same else contact_hop(hop, target, load.redirects)
    except RedirectError as error:
        return answer, f" ({error})"
    except GhmlopsError as error:
        return answer, f" ({error.message})"
    return exchange(other, rewrite(request, hop, same_origin=same), seconds), ""


def _describe(answer: HttpAnswer, load: Load) -> str:
    """Return status, host of a redirect and the start of the text, without secrets and in one line."""
    secrets = secret_words(load.endpoints)
    status = f"{answer.status} {answer.phrase}".strip()[:60]
    leads = f", which leads to {answer.redirect_host[:100]}" if answer.redirect_host else ""
    text = " ".join(answer.body[: 4 * EXCERPT].decode("utf-8", "replace").split())
    quoted = f' ("{redact(text, secrets)[:EXCERPT]}")' if load.quotes and text else ""
    return printable_text(f"{redact(status, secrets)}{leads}{quoted}")


def _generator_answer(load: Load, target: Target, index: int) -> FirstAnswer:
    """Return the answer to a run of one request, for protocols that have no simpler client."""
    one = dataclasses.replace(
        load, targets=[target], order=[index], times=np.zeros(1), warmup=0, block=1, write_order=[0], start_at=0.0
    )
    recording = run_load(one, lambda _: True)
    kind = Kind(int(recording.arms[0].kind[0]))
    problem = printable_text(recording.examples[0].get(kind, ""))[: 2 * EXCERPT] if kind in _ANSWERS else ""
    return FirstAnswer(endpoint="", problem=problem)


def printable_text(text: str) -> str:
    """Return the text with a blank for each character that is not printable."""
    return "".join(character if character.isprintable() else " " for character in text)
