"""Readers of parts of the section `promote`."""
