"""Findings of Schemathesis, which tests a service against its OpenAPI description: report and verdict."""
