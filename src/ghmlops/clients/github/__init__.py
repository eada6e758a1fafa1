"""The GitHub client: an authenticated connection with retries and exact errors."""
