"""The capacity search: its probes, their votes, the Universal Scalability Law, and its evidence."""
