"""Instants with another offset: the same moment in another time zone."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from ghmlops.core.synthetic.ask import Ask, Expected, FollowUp
from ghmlops.core.synthetic.relations.base import Relation
from ghmlops.core.synthetic.rows.fields import get, replaced
from ghmlops.core.synthetic.rows.profile import INSTANT, Kind

if TYPE_CHECKING:
    from ghmlops.core.synthetic.relations.base import Context

OFFSETS = (timedelta(hours=5, minutes=30), timedelta(hours=-8), timedelta(hours=13))
"""Offsets that the same instant is written with; most instants then fall on another day."""


def _build(context: Context) -> FollowUp | None:
    row, fields = context.row, []
    offset = OFFSETS[context.index % len(OFFSETS)]
    for field in context.profile.of_kind(Kind.INSTANT):
        _, value = get(context.row, field.path)
        if isinstance(value, str) and INSTANT.fullmatch(value) and (moved := in_zone(value, offset)) != value:
            row = replaced(row, field.path, moved)
            fields.append(field.path)
    if not fields:
        return None
    change = f"{', '.join(fields[:3])} in another time zone"
    return FollowUp(ask=Ask(row=row), expected=Expected.SAME, change=change, fields=tuple(fields))


def in_zone(text: str, offset: timedelta) -> str:
    """Return the instant with another offset, with the same precision; unchanged if no such date exists."""
    try:
        moved = datetime.fromisoformat(text).astimezone(timezone(offset)).isoformat()
    except (ValueError, OverflowError):
        return text
    head, zone = moved[:-6], moved[-6:]
    fraction = text[19:].partition("Z")[0].partition("+")[0].partition("-")[0]
    return head[:16] + zone if len(text) < 20 or text[16] != ":" else head[:19] + fraction + zone


EQUAL_INSTANTS = Relation(
    id="equal-instants",
    claim="An instant has the same answer in every time zone.",
    build=_build,
    precondition="no field is an instant with an offset in all rows",
)
