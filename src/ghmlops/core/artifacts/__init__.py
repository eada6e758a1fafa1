"""Where prediction artifacts are: specifications, file patterns, object stores, safe paths."""
