"""The rows of a long table as JSON, from which the script of the page draws those that a reader looks at.

As HTML, a finding has about 900 bytes; as JSON about 190. A cell is the index of a cell that several rows share, a
string (words of this project), a shared sentence, or a list of pieces. A piece is a string, a shared sentence, or a
list that begins with its kind:

- `["b", text]` emphasised words, `["t", text]` untrusted text, `["c", text]` untrusted text in a fixed-width font,
- `["a", text, url, is_code]` a link, `["m", outcome]` an outcome,
- `["p", outcome, estimate, low, high, floor, ceiling]` an interval plot: the position of the outcome in the order of
  `OUTCOME_LABELS`, and `interval_plot.Positions`.

A shared sentence is `[index, numbers]`, untrusted text: each `|` of the sentence stands for the next of the numbers of
this row, which are separated by `|`.

The script sets every text as the content of a text node, so that none of it can become markup.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import msgspec

from ghmlops.report.charts import interval_plot
from ghmlops.report.text import escape
from ghmlops.report.text.blocks import Cell, Code, Inline, IntervalPlot, Link, Mark, Text, Words
from ghmlops.report.text.outcome_text import OUTCOME_LABELS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.report.text.blocks import Table

MAX_TEXT, MAX_CODE = 4000, 500
"""Characters of a text and of a code on the page, which has more room than the limits of the pieces allow for."""
_ORDER = {outcome: index for index, outcome in enumerate(OUTCOME_LABELS)}
_NUMBER = re.compile(r"(\d(?:[\d.,]*\d)?)")


def row_data(table: Table) -> str:
    """Return all rows of a table as a JSON object that can stand inside an HTML element.

    Returns:
        `{"cells": shared cells, "sentences": shared sentences, "rows": one list of cells per row}`, without `<`.
    """
    uses = Counter(cell for row in table.rows for cell in row if cell)
    shared = {cell: index for index, cell in enumerate(cell for cell, count in uses.items() if count > 1)}
    single = [cell for cell, count in uses.items() if count == 1]
    sentences, numbered = _shared_sentences([piece.text for cell in single for piece in cell if type(piece) is Text])
    rows = [[shared[cell] if cell in shared else _cell(cell, numbered) for cell in row] for row in table.rows]
    data = {"cells": [_cell(cell, {}) for cell in shared], "sentences": sentences, "rows": rows}
    return msgspec.json.encode(data).decode().replace("<", "\\u003c")


def _shared_sentences(texts: Sequence[str]) -> tuple[list[str], dict[str, list[Any]]]:
    """Return the sentences of several texts, and for each such text the index of its sentence and its numbers."""
    parts = [_NUMBER.split(text) for text in texts]
    templates = ["|".join(words[::2]) for words in parts]
    sentences = [template for template, count in Counter(templates).items() if count > 1 and "|" in template]
    index = {sentence: number for number, sentence in enumerate(sentences)}
    numbered = {
        text: [index[template], "|".join(words[1::2])]
        for text, template, words in zip(texts, templates, parts, strict=True)
        if template in index and "|" not in text
    }
    return sentences, numbered


def _cell(cell: Cell, numbered: dict[str, list[Any]]) -> str | list[Any]:
    """Return a list of pieces, or the only piece if that is a string or a shared sentence."""
    pieces = [content for piece in cell if (content := _piece(piece, numbered))]
    if not pieces:
        return ""
    first = pieces[0]
    return first if len(pieces) == 1 and (isinstance(first, str) or isinstance(first[0], int)) else pieces


def _piece(piece: Inline, numbered: dict[str, list[Any]]) -> str | list[Any]:
    match piece:
        case Words(text, strong):
            return ["b", text] if strong else text
        case Text(text, limit):
            line = escape.one_line(text, max(limit, MAX_TEXT))
            return numbered[text] if line == text and text in numbered else ["t", line]
        case Code(text, limit):
            return ["c", escape.one_line(text, max(limit, MAX_CODE))]
        case Link(text, url, is_code):
            return ["a", escape.one_line(text), url, int(is_code)]
        case Mark(outcome):
            return ["m", outcome.value]
        case IntervalPlot():
            place = interval_plot.positions(piece)
            return ["p", _ORDER[piece.outcome], *place] if place else ""
