"""The first contact with each endpoint, before the load: whether there is anything to measure."""
