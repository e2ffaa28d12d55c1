"""What people and log collectors read: summaries, progress, logs, errors."""
