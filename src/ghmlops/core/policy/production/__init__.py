"""Policy sections of production: what is watched."""
