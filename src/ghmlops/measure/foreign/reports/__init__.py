"""Readers of reports of other load generators: totals and histograms of a run."""
