"""The API of GitHub: comments, pull requests, deployments, statuses. Imported only by commands that have a token."""
