"""The demo: a real model behind a real server, two pull requests, one gate, one revert."""
