"""ghmlops: GitHub Actions that measure, judge and gate machine-learning services."""

__version__ = "0.1.0"
