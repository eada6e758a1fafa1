"""Whether one answer, or a pair of answers, violates what a relation expects."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ghmlops.core.answers.answer import Answer, AnswerKind
from ghmlops.core.answers.body import BARE_CONSTANT, DUPLICATE_KEY, Body, BodyKind, Constant
from ghmlops.core.answers.stream import read_body
from ghmlops.core.answers.walk import NO_RULES, Aspect, Difference, Place, differences, value_text
from ghmlops.core.policy.before_traffic.synthetic import WHOLE_ANSWER
from ghmlops.core.synthetic.ask import Expected
from ghmlops.core.synthetic.assertions import broken_assertion, late_answer
from ghmlops.core.synthetic.rows.fields import as_float, get

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ghmlops.core.answers.rules import Rules
    from ghmlops.core.policy.before_traffic.synthetic import Assertion
    from ghmlops.core.synthetic.message import Part

WHOLE = "$"
"""Path of a body that is no JSON."""
NOT_FINITE = "a number that is not finite"
_SCORE_LIMIT = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """An answer with its parsed body.

    Attributes:
        answer: the answer.
        body: its body; of a batch, the judged part.
        missing: whether the answer to a batch has no part for the judged row.
    """

    answer: Answer
    body: Body
    missing: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """How answers are compared.

    Attributes:
        rules: ignored paths and tolerances.
        score: path of the score; empty: the only number of the answer.
        assertions: assertions of the policy, by path.
    """

    rules: Rules = NO_RULES
    score: str = ""
    assertions: Mapping[str, Assertion] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """Whether a relation was violated once.

    Attributes:
        violated: `None` if it could not be judged.
        what: what was observed, in a few words, without values of rows.
        left: answer to the source, bounded.
        right: answer to the follow-up, bounded.
    """

    violated: bool | None
    what: str = ""
    left: str = ""
    right: str = ""


NO_VIOLATION = Observation(violated=False)


def reading(answer: Answer, part: Part | None = None) -> Reading:
    """Parse an answer; of an answer to a batch, take the judged part."""
    body = read_body(answer) if answer.kind is AnswerKind.ANSWERED else Body(kind=BodyKind.EMPTY)
    if part is None or body.kind is not BodyKind.JSON or not answer.successful:
        return Reading(answer=answer, body=body)
    value = part.of(body.value)
    missing = value is None or value == body.value
    return Reading(answer=answer, body=Body(kind=body.kind, value=value, flaws=body.flaws), missing=missing)


def problem(one: Reading) -> str:
    """Return why an answer is no valid answer to a legal request; empty if it is one.

    A duplicate key or a bare NaN is a problem: clients parse them differently, or not at all.
    """
    answer, body = one.answer, one.body
    if answer.kind is not AnswerKind.ANSWERED:
        return "no answer" if answer.kind is AnswerKind.REFUSED else answer.kind.value
    if not answer.successful:
        return f"status {answer.status}"
    if BARE_CONSTANT in body.flaws:
        return "NaN or Infinity"
    if DUPLICATE_KEY in body.flaws:
        return "a duplicate key"
    if body.kind is not BodyKind.JSON and "json" in answer.media_type:
        return f"body {body.kind.value}"
    return ""


def judge(expected: Expected, source: Reading | None, changed: Reading, how: Comparison) -> Observation:
    """Return whether a pair of answers violates the relation.

    Args:
        expected: what must hold.
        source: answer to the source request; `None` if only the changed one is judged.
        changed: answer to the changed request.
        how: rules of the comparison.
    """
    if changed.answer.kind is AnswerKind.THROTTLED:
        return Observation(violated=None, what="throttled")
    if expected is Expected.ASSERTED:
        return _judge_assertions(changed, how.assertions)
    if expected.judged_alone:
        return _judge_one(expected, changed)
    if source is None or not source.answer.successful:
        return Observation(violated=None, what="the unchanged request was not answered")
    return _judge_served(source, changed) or (
        _judge_same(source, changed, how.rules)
        if expected is Expected.SAME
        else _judge_order(expected, source, changed, how)
    )


def _judge_served(source: Reading, changed: Reading) -> Observation | None:
    """Return what follows if one of two answers has a problem; `None` if both can be compared."""
    why = problem(changed)
    if why and problem(source) == why:
        return Observation(violated=None, what=why)
    if why:
        return Observation(violated=True, what=f"{why} instead of status {source.answer.status}")
    if changed.missing:
        return Observation(violated=True, what="no answer for the row in the answer to the batch")
    return None


def _judge_one(expected: Expected, changed: Reading) -> Observation:
    client_error = changed.answer.kind is AnswerKind.ANSWERED and 400 <= changed.answer.status < 500
    if expected is Expected.REFUSED:
        right = f"status {changed.answer.status}" if changed.answer.status else changed.answer.kind.value
        return NO_VIOLATION if client_error else Observation(violated=True, what=f"{right} instead of 4xx")
    if expected is Expected.NOT_CRASHED and client_error:
        return NO_VIOLATION
    why = problem(changed) or (NOT_FINITE if _is_not_finite(changed.body.value) else "")
    return Observation(violated=True, what=why) if why else NO_VIOLATION


def _judge_assertions(changed: Reading, assertions: Mapping[str, Assertion]) -> Observation:
    if not changed.answer.successful:
        return Observation(violated=None, what="the request was not answered")
    for path, assertion in assertions.items():
        whole = path == WHOLE_ANSWER
        present, value = (True, changed.body.value) if whole else get(changed.body.value, path)
        why = broken_assertion(assertion, value) if present else "is missing"
        why = why or late_answer(assertion, changed.answer.seconds)
        if why:
            name = "the answer" if whole else path
            return Observation(violated=True, what=f"{name} {why}", right=value_text(value) if present else "")
    return NO_VIOLATION


def _is_not_finite(value: Any) -> bool:  # noqa: ANN401  (any JSON value)
    """Return whether a number of the value is not finite, or an integer that most clients read as infinite."""
    if isinstance(value, dict):
        return any(map(_is_not_finite, value.values()))
    if isinstance(value, list):
        return any(map(_is_not_finite, value))
    return isinstance(value, Constant) or (type(value) is int and math.isinf(as_float(value)))


def _judge_same(source: Reading, changed: Reading, rules: Rules) -> Observation:
    changes = compare(source, changed, rules)
    if not changes:
        return NO_VIOLATION
    place, change = first(changes)
    what = f"{place.path} differs" if place.aspect is Aspect.VALUE else f"{place.path} differs in {place.aspect.value}"
    return Observation(violated=True, what=what, left=change.left, right=change.right)


def compare(one: Reading, other: Reading, rules: Rules) -> dict[Place, Difference]:
    """Return the differences of two successful answers; bodies that are not JSON are compared as bytes."""
    if one.body.kind is BodyKind.JSON and other.body.kind is BodyKind.JSON:
        return differences(one.body.value, other.body.value, rules)
    if one.body.kind is not other.body.kind:
        texts = one.body.kind.value, other.body.kind.value
        return {Place(WHOLE, Aspect.SHAPE): Difference(math.inf, *texts)}
    if one.answer.body == other.answer.body or WHOLE in rules.ignore:
        return {}
    lengths = (f"{len(reading.answer.body)} bytes" for reading in (one, other))
    return {Place(WHOLE, Aspect.VALUE): Difference(math.inf, *lengths)}


def first(changes: dict[Place, Difference]) -> tuple[Place, Difference]:
    """Return the first difference: of shape before value, then by path."""
    return min(changes.items(), key=lambda item: (item[0].aspect is Aspect.VALUE, item[0].path))


def _judge_order(expected: Expected, source: Reading, changed: Reading, how: Comparison) -> Observation:
    old_score, new_score = score_of(source, how.score), score_of(changed, how.score)
    if old_score is None or new_score is None:
        return Observation(violated=None, what="no score")
    (path, before), (_, after) = old_score, new_score
    if math.isinf(before):
        return Observation(violated=None, what=NOT_FINITE)
    if math.isinf(after):
        return Observation(violated=True, what=f"{path} is {NOT_FINITE}", left=value_text(before))
    step = after - before if expected is Expected.NOT_HIGHER else before - after
    if step <= how.rules.tolerances.get(path, 0.0):
        return NO_VIOLATION
    trend = "rises" if expected is Expected.NOT_HIGHER else "falls"
    return Observation(violated=True, what=f"{path} {trend}", left=value_text(before), right=value_text(after))


def score_of(one: Reading, path: str) -> tuple[str, float] | None:
    """Return path and value of the score: the declared one, or the only number of the answer; `None` without one."""
    if path:
        present, value = get(one.body.value, path)
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return (f"$.{path}", as_float(value)) if present and number else None
    numbers = _numbers(one.body.value, "$", [])
    return numbers[0] if len(numbers) == 1 else None


def _numbers(value: Any, path: str, result: list[tuple[str, float]]) -> list[tuple[str, float]]:  # noqa: ANN401
    if len(result) == _SCORE_LIMIT:
        return result
    if isinstance(value, dict):
        for name, inner in value.items():
            _numbers(inner, f"{path}.{name}", result)
    elif isinstance(value, list):
        for inner in value:
            _numbers(inner, f"{path}[]", result)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        result.append((path, as_float(value)))
    return result
