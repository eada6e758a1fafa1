"""Sums over paired rows and the change of a metric that follows from them."""
