"""Locates, downloads and verifies prediction artifacts."""
