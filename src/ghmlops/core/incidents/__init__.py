"""Incidents of production: where they stand by the history, what follows from them, and how often that was right."""
