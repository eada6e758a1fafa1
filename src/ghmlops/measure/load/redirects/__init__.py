"""Follows one redirect of a request of HTTP/1.1 (policy key `follow-redirect`)."""
