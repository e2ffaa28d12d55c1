"""What falls due when, what is missing or stale, and running it in order."""
