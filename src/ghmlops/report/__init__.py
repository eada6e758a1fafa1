"""Pure: evidence in, text out (held by import-linter)."""
