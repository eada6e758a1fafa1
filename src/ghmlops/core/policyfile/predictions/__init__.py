"""Checks of the section `regression` that concern more than one key."""
