"""Synthetic and metamorphic tests: a profile of the payloads, generated rows, relations, the verdict, shrinking."""
