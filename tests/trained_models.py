"""Paired rows of models that scikit-learn trained on its real data sets: a good one and a different one."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits  # type: ignore[import-untyped]
from sklearn.linear_model import LogisticRegression, Ridge  # type: ignore[import-untyped]
from sklearn.naive_bayes import GaussianNB  # type: ignore[import-untyped]
from sklearn.tree import DecisionTreeRegressor  # type: ignore[import-untyped]

from ghmlops.core.paired.aggregates import Floats
from paired_rows import Rows, binary, multiclass, valued


@lru_cache
def breast_cancer() -> Rows:
    """Return two models of the breast-cancer data, trained on every third row and rounded, so that there are ties."""
    x, y = load_breast_cancer(return_X_y=True)
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    first = LogisticRegression(C=0.001).fit(x[::3], y[::3]).predict_proba(x)[:, 1]
    second = LogisticRegression(C=1.0).fit(x[::3, :4], y[::3]).predict_proba(x[:, :4])[:, 1]
    return binary(y, np.round(first, 3), np.round(second, 3))


@lru_cache
def digit_probabilities() -> tuple[Floats, Floats]:
    """Return class probabilities of the digits, shape (n, 10) each, by logistic regression and by naive Bayes."""
    x, y = load_digits(return_X_y=True)
    x = x / 16.0
    first = LogisticRegression(C=0.05, max_iter=300).fit(x[::5], y[::5]).predict_proba(x)
    second = GaussianNB(var_smoothing=0.05).fit(x[::5, :40], y[::5]).predict_proba(x[:, :40])
    return first, second


@lru_cache
def digits() -> Rows:
    """Return the two models of the digits."""
    return multiclass(load_digits().target.astype(np.int64), *digit_probabilities())


@lru_cache
def diabetes() -> Rows:
    """Return two regressions of the diabetes data: ridge and a decision tree."""
    x, y = load_diabetes(return_X_y=True)
    first = Ridge(alpha=0.1).fit(x[::2], y[::2]).predict(x)
    second = DecisionTreeRegressor(max_depth=3, random_state=1).fit(x[::2], y[::2]).predict(x)
    return valued(y, first, second)
