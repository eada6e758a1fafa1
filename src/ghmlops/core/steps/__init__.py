"""Effects as data: what the gate decides, one frozen step per effect."""
