"""git as a tool that changes things: a temporary work tree of another commit, and the revert."""
