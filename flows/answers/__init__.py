"""Answers: why, what if, how much, and what was known then; of one committed state."""
