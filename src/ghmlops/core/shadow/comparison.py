"""Compares the answers of the three arms to one request after another, and accounts for every request."""

from __future__ import annotations

import math
from array import array
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ghmlops.core.answers.answer import Answer, AnswerKind
from ghmlops.core.answers.body import Body, BodyKind, Json, parse_body
from ghmlops.core.answers.rules import Rules
from ghmlops.core.answers.stream import read_body
from ghmlops.core.answers.tally import Tally
from ghmlops.core.answers.walk import Aspect, Difference, Differences, Place, differences

if TYPE_CHECKING:
    from collections.abc import Sequence

ARMS = ("baseline", "twin", "candidate")
STATUS = Place("(status)", Aspect.SHAPE)
CONTENT_TYPE = Place("(content type)", Aspect.SHAPE)
BODY_KIND = Place("(body)", Aspect.SHAPE)
BODY = Place("(body)", Aspect.VALUE)
MAX_LABELS = 40
"""Kinds of answers per arm that are counted separately; further ones are counted together."""
MAX_ENDPOINTS = 100
"""Endpoints that are shown separately; further ones are counted together."""
OTHER_ENDPOINTS = "other endpoints"


@dataclass(slots=True)
class Drop:
    """Requests that were not compared for one reason: their number, and the row of the first."""

    requests: int
    example: str


@dataclass(slots=True)
class Comparison:
    """The comparison of all requests so far.

    Attributes:
        rules: how answers are compared.
        tallies: counts of differing answers by endpoint.
        answers: number of answers by arm and kind.
        refusals: requests that are never sent again, by reason.
        losses: requests that may be sent and were not compared, by reason.
        compared: requests that baseline and twin answered, so that the candidate's answer was compared.
        bodies: of these, requests that the candidate answered with a 2xx status as well.
        identical: of these, requests to which candidate and baseline answered the same.
        flaws: number of answers with a flaw of their JSON, by arm and flaw.
        only_failed: requests to which only the baseline, and only the candidate, gave no 2xx answer.
        orphans: mirrored requests in a log that no live request belongs to.
        seconds: service times of each arm for the requests that all arms answered with a 2xx status.
    """

    rules: Rules = field(default_factory=Rules)
    tallies: dict[str, Tally] = field(default_factory=dict)
    answers: dict[str, Counter[str]] = field(default_factory=lambda: {arm: Counter() for arm in ARMS})
    refusals: dict[str, Drop] = field(default_factory=dict)
    losses: dict[str, Drop] = field(default_factory=dict)
    compared: int = 0
    bodies: int = 0
    identical: int = 0
    flaws: dict[str, Counter[str]] = field(default_factory=lambda: {arm: Counter() for arm in ARMS})

    only_failed: list[int] = field(default_factory=lambda: [0, 0])
    orphans: int = 0
    seconds: tuple[array[float], array[float], array[float]] = field(
        default_factory=lambda: (array("d"), array("d"), array("d"))
    )

    def refuse(self, reason: str, example: str) -> None:
        """Count a recorded request that is never sent again, such as one with an unsafe method."""
        self.refusals.setdefault(reason, Drop(0, example)).requests += 1

    def drop(self, reason: str, example: str, requests: int = 1) -> None:
        """Count requests that may be sent and were not compared."""
        self.losses.setdefault(reason, Drop(0, example)).requests += requests

    def add(
        self, row: int, endpoint: str, answers: Sequence[Answer], *, bodies: bool = True, loss: str = ""
    ) -> tuple[Json, Json] | None:
        """Add the answers to one request; return those of baseline and candidate if both are JSON.

        Args:
            row: number of the recorded request.
            endpoint: name of its endpoint.
            answers: answers of baseline, twin and candidate.
            bodies: whether their bodies are known; otherwise only status and content type are compared.
            loss: why the request counts as not compared without its bodies; empty if it counts as compared.
        """
        labels = [label(answer) for answer in answers]
        for arm, name in zip(ARMS, labels, strict=True):
            counts = self.answers[arm]
            counts[name if name in counts or len(counts) < MAX_LABELS else "other"] += 1
        throttled = [arm for arm, answer in zip(ARMS, answers, strict=True) if answer.kind is AnswerKind.THROTTLED]
        if throttled:
            # A limit on the number of requests is hit by being asked, and says nothing about the answers.
            self.drop(f"{throttled[0]}: {AnswerKind.THROTTLED}", f"row {row}")
            return None
        tally = self._tally(endpoint)
        for side, (first, second) in enumerate(((0, 2), (2, 0))):
            self.only_failed[side] += answers[second].successful and not answers[first].successful
        failed = [arm for arm, answer in zip(ARMS[:2], answers[:2], strict=True) if not answer.successful]
        if failed:
            # An error page is no answer, and two equal ones are no agreement; but a candidate that answers is noted.
            self.drop(f"{failed[0]}: {labels[ARMS.index(failed[0])]}", f"row {row}")
            tally.add(row, *_labelled(labels, STATUS))
            return None
        if not answers[2].successful:
            self.compared += 1
            tally.add(row, *_labelled(labels, STATUS))
            return None
        if loss:
            self.drop(loss, f"row {row}")
        else:
            self.compared += 1
        for times, answer in zip(self.seconds, answers, strict=True):
            times.append(answer.seconds)
        if not bodies:
            tally.add(row, *compare_answers(answers, [parse_body(b"")] * 3, self.rules))
            return None
        self.bodies += 1
        if answers[0].body == answers[1].body == answers[2].body and _same_type(answers):
            parsed = [read_body(answers[0])] * 3
            tally.add_equal()
            self.identical += 1
        else:
            parsed = [read_body(answer) for answer in answers]
            pairs = compare_answers(answers, parsed, self.rules)
            self.identical += not pairs[0]
            tally.add(row, *pairs)
        self._note_flaws(parsed)
        both_json = parsed[0].kind is parsed[2].kind is BodyKind.JSON
        return (parsed[0].value, parsed[2].value) if both_json else None

    @property
    def refused(self) -> int:
        """Number of recorded requests that are never sent again."""
        return sum(drop.requests for drop in self.refusals.values())

    @property
    def sendable(self) -> int:
        """Number of recorded requests that may be sent: those compared, and those lost."""
        return self.compared + sum(drop.requests for drop in self.losses.values())

    @property
    def coverage(self) -> float:
        """Share of the requests that may be sent which were compared; 0 without any."""
        return self.compared / self.sendable if self.sendable else 0.0

    def _tally(self, endpoint: str) -> Tally:
        if endpoint not in self.tallies and len(self.tallies) >= MAX_ENDPOINTS:
            endpoint = OTHER_ENDPOINTS
        return self.tallies.setdefault(endpoint, Tally())

    def _note_flaws(self, bodies: Sequence[Body]) -> None:
        for arm, body in zip(ARMS, bodies, strict=True):
            for flaw in body.flaws if body.kind is BodyKind.JSON else (body.kind.value,):
                self.flaws[arm][flaw] += 1


def label(answer: Answer) -> str:
    """Return the kind of an answer in one word: its status, or why there is none."""
    return str(answer.status) if answer.kind is AnswerKind.ANSWERED else answer.kind.value


def is_decisive(place: Place, answers: Sequence[Answer]) -> bool:
    """Return whether answers to a repeated request say anything about a place.

    A limit on the number of requests says nothing about any; a failed answer only says something about the status.
    """
    if any(answer.kind is AnswerKind.THROTTLED for answer in answers):
        return False
    return place == STATUS or all(answer.successful for answer in answers)


def compare_answers(
    answers: Sequence[Answer], bodies: Sequence[Body], rules: Rules
) -> tuple[Differences, Differences, Differences]:
    """Return the differences of baseline and candidate, baseline and twin, candidate and twin."""
    pairs = ((0, 2), (0, 1), (2, 1))
    one, two, three = (_compare(answers[i], answers[j], bodies[i], bodies[j], rules) for i, j in pairs)
    return one, two, three


def distance_at(place: Place, reference: Answer, answer: Answer, rules: Rules) -> float:
    """Return how far an answer lies from a reference at one place; infinite if it is another kind of answer."""
    if label(reference) != label(answer):
        return math.inf
    result = _compare(reference, answer, read_body(reference), read_body(answer), rules)
    return result[place].distance if place in result else 0.0


def _compare(left: Answer, right: Answer, left_body: Body, right_body: Body, rules: Rules) -> Differences:
    result: Differences = {}
    _note_label(result, STATUS, label(left), label(right))
    _note_label(result, CONTENT_TYPE, left.media_type or "none", right.media_type or "none")
    _note_label(result, BODY_KIND, _kind(left_body), _kind(right_body))
    if left_body.kind is right_body.kind is BodyKind.JSON:
        result |= differences(left_body.value, right_body.value, rules)
    elif left_body.kind is right_body.kind and left.body != right.body:
        sizes = (f"{len(left.body):,} bytes", f"{len(right.body):,} bytes")
        result[BODY] = Difference(math.inf, *sizes)
    return result


def _labelled(labels: Sequence[str], place: Place) -> tuple[Differences, Differences, Differences]:
    """Return the differences of three labels at one place, in the order of `compare_answers`."""
    results: list[Differences] = []
    for left, right in ((0, 2), (0, 1), (2, 1)):
        result: Differences = {}
        _note_label(result, place, labels[left], labels[right])
        results.append(result)
    return results[0], results[1], results[2]


def _note_label(result: Differences, place: Place, left: str, right: str) -> None:
    if left != right:
        result[place] = Difference(math.inf, left[:80], right[:80])


def _kind(body: Body) -> str:
    return " with ".join([body.kind.value, *body.flaws])


def _same_type(answers: Sequence[Answer]) -> bool:
    return answers[0].media_type == answers[1].media_type == answers[2].media_type and (
        answers[0].status == answers[1].status == answers[2].status
    )
