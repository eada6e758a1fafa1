"""What the page draws of the response times."""
