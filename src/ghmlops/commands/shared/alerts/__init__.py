"""Alerts of commands that act: checked before anything happens, sent after it is recorded."""
