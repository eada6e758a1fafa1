"""Before a run: the rate that two arms can take, and the change that a plan can detect."""
