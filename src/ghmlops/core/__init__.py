"""Pure: values in, values out. No clock, no file, no network, no environment (held by import-linter)."""
