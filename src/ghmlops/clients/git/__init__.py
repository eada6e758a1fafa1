"""The git client: runs git with a safe environment, a time limit and bounded output."""
