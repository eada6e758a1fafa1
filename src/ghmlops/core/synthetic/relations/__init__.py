"""Metamorphic relations: one file each, registered in `table.py`."""
