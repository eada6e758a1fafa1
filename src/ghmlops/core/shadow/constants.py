"""Constants of the shadow verdict. Those of the tests are in `ghmlops.core.answers.constants`."""

from __future__ import annotations

MARGIN_TAIL = 0.01
"""Probability beyond each limit of the interval of the share of changed rows, as for the metrics of `regression`."""
MAX_PLACE_ROWS = 200
"""Places in the evidence; the surest changes come first."""
MAX_EXAMPLE_ROWS = 60
"""Examples in the evidence: about ten kilobytes."""
EXAMPLES_PER_PLACE = 3
"""Examples per place in the evidence."""
