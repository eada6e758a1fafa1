"""Text building blocks: blocks of a report, escaping, number formatting, outcome texts."""
