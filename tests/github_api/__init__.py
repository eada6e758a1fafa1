"""A small stateful GitHub API for tests; see `github_api.server`."""
