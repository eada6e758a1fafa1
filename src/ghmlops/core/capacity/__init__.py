"""The capacity search, its probes, and the Universal Scalability Law."""
