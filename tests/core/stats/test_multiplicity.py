"""p-values adjusted by Holm and by Benjamini and Hochberg."""

from __future__ import annotations

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests  # type: ignore[import-untyped]

from ghmlops.core.stats import multiplicity


@pytest.mark.parametrize("count", [1, 2, 7, 300])
def test_both_agree_with_statsmodels(count: int) -> None:
    """Both adjustments agree to 1e-12 on random, tied and tiny p-values."""
    rng = np.random.default_rng(count)
    p = np.round(rng.random(count) ** 4, 3)
    assert multipletests(p, method="holm")[1] == pytest.approx(multiplicity.holm(p), abs=1e-12)
    assert multipletests(p, method="fdr_bh")[1] == pytest.approx(multiplicity.benjamini_hochberg(p), abs=1e-12)


def test_without_tests_there_is_no_p_value() -> None:
    """An empty family of tests stays empty."""
    assert multiplicity.holm(np.empty(0)).tolist() == []
    assert multiplicity.benjamini_hochberg(np.empty(0)).tolist() == []
