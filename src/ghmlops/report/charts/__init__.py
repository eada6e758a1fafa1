"""Charts as SVG and as Mermaid."""
