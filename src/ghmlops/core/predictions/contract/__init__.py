"""The data contract: schema, keys, missing rows, invalid values."""
