"""The pairs of blocks and their e-processes: positions, limits, the decision."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

import pytest

from ghmlops.report.charts.arm_chart import LEFT, RIGHT
from ghmlops.report.charts.pair_chart import E_BOTTOM, E_TOP, RATIO_BOTTOM, RATIO_TOP, figure
from ghmlops.report.content.latency.latency_charts import latency_charts
from ghmlops.report.text.blocks import PairEvidence
from report import latency_samples
from report.reading import read_html

if TYPE_CHECKING:
    from collections.abc import Callable

PAIRS = PairEvidence(
    quantile="p50",
    ratios=[1.0, 2.0, 0.5],
    margin=1.02,
    safe=1.1,
    log_e=[(math.log(10), 0.0), (math.log(1000), -1.0), (math.log(1000), -2.0)],
    log_limits=(math.log(300), math.log(20)),
    decided_at=2,
)


def test_ratios_and_the_decision_are_at_their_pairs() -> None:
    """Three pairs are at the quarters of the axis; a ratio of 1 is in the middle, 2 and 1/2 equally far from it."""
    text = "".join(figure(PAIRS))
    read_html(text)
    dots = [(float(x), float(y)) for x, y in re.findall(r'cx="([\d.]+)" cy="([\d.]+)"', text)]
    middle = (RATIO_TOP + RATIO_BOTTOM) / 2
    assert [x for x, _ in dots] == pytest.approx([LEFT + n * (RIGHT - LEFT) / 4 for n in (1, 2, 3)], abs=0.06)
    assert dots[0][1] == pytest.approx(middle, abs=0.06)
    assert middle - dots[1][1] == pytest.approx(dots[2][1] - middle, abs=0.11)
    assert text.count('class="edge"') == 2
    assert f'class="edge" x1="{dots[1][0]}"' in text


def test_the_e_process_crosses_its_limit_at_the_decision() -> None:
    """The line for a failure starts at 1 and is above its limit of 300 from pair 2 on."""
    text = "".join(figure(PAIRS))
    limit = float(re.search(r'class="threshold fail" x1="\d+" y1="([\d.]+)"', text)[1])  # type: ignore[index]
    path = re.search(r'class="evidence fail" d="M([^"]+)"', text)[1]  # type: ignore[index]
    heights = [float(point.split()[1]) for point in path.split("L")]
    assert len(heights) == 4
    assert [height < limit for height in heights] == [False, False, True, True]
    assert all(E_TOP <= height <= E_BOTTOM for height in heights)


def test_extreme_numbers_stay_inside() -> None:
    """Ratios and e-values beyond the axes are drawn at the border; a decision after the last pair is not drawn."""
    extreme = PAIRS._replace(ratios=[math.exp(64), math.exp(-64)], log_e=[(5e4, -5e4)], decided_at=9)
    text = "".join(figure(extreme))
    read_html(text)
    rows = [float(y) for y in re.findall(r'(?:cy|y1|y2)="([\d.]+)"', text)]
    assert min(rows) >= 0
    assert max(rows) <= 300
    assert "inf" not in text
    assert 'class="edge"' not in text


def test_nothing_is_drawn_without_a_pair() -> None:
    """Without a pair of blocks there is no figure."""
    assert list(figure(PAIRS._replace(ratios=[], log_e=[]))) == []


@pytest.mark.parametrize(("name", "ratio"), [("fail", 1.3), ("pass", 1.0)])
def test_the_drawing(name: str, ratio: float, golden: Callable[[str, str], None]) -> None:
    """The pairs of a failure and of a pass are drawn as reviewed."""
    (charts,) = latency_charts([latency_samples.latency(ratio=ratio)])
    golden(f"chart-pairs-{name}.html", "\n".join(line for pairs in charts.pairs for line in figure(pairs)) + "\n")
