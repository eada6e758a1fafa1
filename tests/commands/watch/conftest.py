"""The watched service with a local API."""

from __future__ import annotations

from watched_service import service

__all__ = ["service"]
