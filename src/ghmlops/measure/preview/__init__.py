"""Ephemeral preview: a service in its own process tree, ready at an address, ended for certain.

Every service has a supervisor of its own (`supervisor.py`), whatever starts it: `running()` keeps it for the length of
a block, `outliving()` lets it outlive the command. All that the service forks ends up below its supervisor, so that the
end of the tree is complete, and nothing else is ever ended.
"""

from ghmlops.measure.preview.service import Preview, outliving, running

__all__ = ["Preview", "outliving", "running"]
