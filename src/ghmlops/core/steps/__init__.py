"""Effects as data: what is decided becomes one frozen step per effect, which only `act` performs."""
