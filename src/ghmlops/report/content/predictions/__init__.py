"""What the drawings of a prediction diff show."""
