"""What the commands that look at production share."""
