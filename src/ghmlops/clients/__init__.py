"""The git client, the GitHub client and their retry rules. Imported by `measure` and `act` only."""
