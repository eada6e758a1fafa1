"""Replaying a measurement from its evidence, and building a model twice."""
