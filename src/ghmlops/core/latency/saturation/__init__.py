"""Signs of saturation in the numbers of a paired run: noise of one arm that outlasts a block, and growing queues."""
