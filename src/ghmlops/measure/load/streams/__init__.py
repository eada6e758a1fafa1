"""Streamed responses: splitting them into events or chunks, and the times of their tokens."""
