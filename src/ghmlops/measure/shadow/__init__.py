"""Reads recorded requests, sends them to all arms at a limited rate, and writes the answers as Parquet."""
