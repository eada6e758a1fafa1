"""Scaling: replicas from measured capacity and demand, and manifests for the platform's own autoscaler. Pure."""
