"""What is learned from live traffic and outcomes: samples, demand, and what may not leave the logs."""
