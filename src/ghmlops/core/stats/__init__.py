"""Statistical tests, intervals and estimators, one module each. Pure functions of NumPy arrays.

`TESTS` lists every module; adding one is a new file and a line here.

Conventions: a function that takes arrays of shape (m,) treats m independent problems at once. `tail` is the probability
beyond one limit of an interval, so a 98 % interval has a tail of 0.01. p-values are one-sided unless stated otherwise.
An influence is what one row adds to an estimate, to first order; the influences of all rows sum to 0, and the square
root of the sum of their squares is the standard error of the estimate for independent rows.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

TESTS = {
    "average_precision": "average precision and the influence of each row on it",
    "binomial": "exact bounds of one proportion; exact tests of even splits, discordant pairs and odd answers",
    "cochran": "Cochran's Q: do several estimates share one mean?",
    "delong": "areas under two ROC curves on the same rows (DeLong)",
    "epidemic_change": "the segment of a series in which a value is elevated (epidemic alternative)",
    "logistic": "slope of a logistic regression on one variable and the influence of each row on it",
    "marginal_homogeneity": "is every class as frequent after a change as before it? (Stuart-Maxwell)",
    "mcnemar": "McNemar's mid-p test of paired binary outcomes",
    "multiplicity": "p-values adjusted for multiple tests (Holm; Benjamini-Hochberg)",
    "quantile": "a quantile and the influence of each row on it",
    "robust_spread": "robust scale of a sample of which a part belongs to another distribution (Qn)",
    "sign_flip": "sign-flip test of paired differences in clusters of dependent rows",
    "student": "limits and p-values of an estimate with a standard error (Student's t)",
    "tango": "score interval of a difference of paired proportions (Tango)",
}
"""Module name to what it tests or estimates."""
