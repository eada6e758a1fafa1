"""HdrHistogram: recording, merging, and the `.hlog` log format."""
