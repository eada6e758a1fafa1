"""Confusion tables and slices as squares."""

from __future__ import annotations

import re

from ghmlops.report.charts.square_chart import confusion, slice_map
from ghmlops.report.text.drawings import ConfusionTables, SliceMap
from report.reading import read_html


def test_a_table_per_side_in_percent_of_the_label() -> None:
    """The shade follows the share; right and wrong decisions have different colours; names are escaped."""
    tables = ConfusionTables("", ["<i>", "b"], {"baseline": [[3, 1], [0, 0]], "candidate": [[4, 0], [2, 2]]})
    text = "".join(confusion(tables))
    document = read_html(text)
    assert document.tags.count("svg") == 2
    assert "i" not in document.tags
    assert re.findall(r'class="ink"[^>]*>([\d.]+)<', text) == ["75", "25", "0", "0", "100", "0", "50", "50"]
    assert text.count('class="cell right"') == text.count('class="cell wrong"') == 4


def test_slices_by_metric() -> None:
    """A loss is wrong, a gain is right, and a metric that a slice lacks has no square."""
    drawing = SliceMap("d", ["auc", "bias"], ["x = 1", "x = <s>"], [[3.0, None], [-0.5, 0.25]], 7)
    text = "".join(slice_map(drawing))
    assert (text.count("cell wrong"), text.count("cell right")) == (2, 1)
    assert re.findall(r'class="ink"[^>]*>([^<]+)<', text) == ["+3.0", "\u22120.50", "+0.25"]
    assert "7 more slices" in text
    assert "s" not in read_html(text).tags
