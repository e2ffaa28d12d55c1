"""What is published, proven again; and what is kept for how long."""
