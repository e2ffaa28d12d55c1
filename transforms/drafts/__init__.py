"""From a file that nobody has described to what a source may say of it."""
