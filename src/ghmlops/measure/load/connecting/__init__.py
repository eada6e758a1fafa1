"""Connections to a service: sockets through proxies, and why TLS failed."""
