"""Requests that no service may accept: broken JSON, another type, an empty body, bytes that are no text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.synthetic.ask import Ask, Expected, FollowUp
from ghmlops.core.synthetic.relations.base import Relation
from ghmlops.core.synthetic.rows.fields import get, replaced
from ghmlops.core.synthetic.rows.profile import NUMERIC
from ghmlops.core.synthetic.spelling import encode

if TYPE_CHECKING:
    from ghmlops.core.synthetic.relations.base import Context

_MARK = "ghmlops-bare-word"
VARIANTS = ("truncated", "empty", "text", "bare-nan", "object", "not-utf8", "scalar")
"""Ways in which a request is illegal, in turn."""


def _build(context: Context) -> FollowUp | None:
    variant = VARIANTS[context.index % len(VARIANTS)]
    numbers = [field.path for field in context.profile.of_kind(*NUMERIC) if get(context.row, field.path)[0]]
    path = numbers[context.stream.below(len(numbers))] if numbers else ""
    if variant in ("text", "bare-nan", "object") and not path:
        return None
    if variant == "text":
        return _illegal(Ask(row=replaced(context.row, path, "ghmlops")), f"{path} as text", path)
    if variant == "object":
        return _illegal(Ask(row=replaced(context.row, path, {"ghmlops": []})), f"{path} as an object", path)
    body = encode(context.row)
    if variant == "bare-nan":
        marked = encode(replaced(context.row, path, _MARK)).replace(f'"{_MARK}"'.encode(), b"NaN")
        return _illegal(Ask(row=context.row, literal=marked), f"{path} as the bare word NaN", path)
    literals = {"truncated": body[:-1], "empty": b"", "not-utf8": b'{"\xff\xfe": 1}', "scalar": b'"ghmlops"'}
    return _illegal(Ask(row=context.row, literal=literals[variant]), f"a body that is {variant}")


def _illegal(ask: Ask, change: str, *fields: str) -> FollowUp:
    return FollowUp(ask=ask, expected=Expected.REFUSED, change=change, fields=fields)


ILLEGAL_INPUT = Relation(
    id="illegal-input",
    claim="An illegal request is refused by 4xx, never answered by 2xx or 5xx.",
    build=_build,
    precondition="the endpoint takes no body",
)
