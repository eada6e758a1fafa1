"""The files that jobs exchange: evidence, the verdict that is merged from it, and their JSON Schemas."""
