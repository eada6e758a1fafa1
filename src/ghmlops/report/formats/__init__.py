"""Renderers: Markdown, HTML, JUnit, workflow annotations."""
