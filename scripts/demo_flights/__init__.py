"""The demo: a real model behind a real server, two pull requests, a gate and a revert."""
