"""What is written about a promotion, and what must follow a rollback."""
