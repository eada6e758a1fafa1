"""Prints the version of Python and the digest of the requests that are planned from a payload file."""

import json
import platform
import sys
from pathlib import Path

from ghmlops.commands.synthetic.plan import plan_endpoint
from ghmlops.core.policy.before_traffic.synthetic import Synthetic
from ghmlops.core.policy.latency import Latency, Request
from ghmlops.core.synthetic.rows.generate import Source
from ghmlops.core.synthetic.rows.profile import profile_of

rows = [json.loads(line) for line in Path(sys.argv[1]).read_text(encoding="utf-8").splitlines()]
policy = Synthetic(private=("instances[0].author",), invariant=("instances[0].author",))
source = Source(rows=rows, profile=profile_of(rows), private=policy.private)
latency = Latency(request=Request(method="POST", path="/predict"))
print(platform.python_version(), plan_endpoint(policy, latency, (0, source), (2, 2026, 2000)).digest)
