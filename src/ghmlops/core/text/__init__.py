"""Plain-text helpers that every layer may use."""
