"""Ephemeral previews: a service with a separate process tree that is guaranteed to be terminated.

Each service has a dedicated supervisor process (`supervisor.py`). `running()` keeps it for the length of a block;
`outliving()` lets it outlive the command. All processes that the service starts are descendants of its supervisor, so
that the entire tree is terminated, and no other process is.
"""

from ghmlops.measure.preview.service import Preview, outliving, running

__all__ = ["Preview", "outliving", "running"]
