"""HdrHistogram: recording, exact merging, the V2 binary encoding and the `.hlog` log format."""
