"""A small stateful local GitHub API for tests; see `github_api.server`."""
