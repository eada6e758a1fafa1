"""Texts in their composed and decomposed Unicode form, which are canonically equivalent."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from ghmlops.core.synthetic.ask import Ask, Expected, FollowUp
from ghmlops.core.synthetic.relations.base import Relation
from ghmlops.core.synthetic.rows.alphabet import ACCENTED
from ghmlops.core.synthetic.rows.fields import get, replaced
from ghmlops.core.synthetic.rows.profile import TEXTUAL, Kind, has_other_form

if TYPE_CHECKING:
    from ghmlops.core.synthetic.relations.base import Context


def _build(context: Context) -> FollowUp | None:
    source, changed, fields = context.row, context.row, []
    for field in context.profile.of_kind(*TEXTUAL):
        present, value = get(context.row, field.path)
        if not present or not isinstance(value, str):
            continue
        # A category has no further letters; free text may have any.
        text = f"{value} {ACCENTED[context.index % len(ACCENTED)]}" if field.kind is Kind.TEXT else value
        if has_other_form(text):
            source = replaced(source, field.path, unicodedata.normalize("NFC", text))
            changed = replaced(changed, field.path, unicodedata.normalize("NFD", text))
            fields.append(field.path)
    if not fields:
        return None
    change = f"{', '.join(fields[:3])} decomposed (NFD instead of NFC)"
    return FollowUp(
        ask=Ask(row=changed), expected=Expected.SAME, change=change, source=Ask(row=source), fields=tuple(fields)
    )


UNICODE_FORMS = Relation(
    id="unicode-forms",
    claim="Composed and decomposed Unicode texts have the same answer.",
    build=_build,
    precondition="no field is free text or has a letter with two Unicode forms",
)
