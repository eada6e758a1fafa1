"""Reads a repository for `init` and `policy check`: its files, and facts about its Parquet files."""
