"""What the commands that send load have in common: the target, the requests, the generator."""
