"""The commands that fall due, one file each: what a command is, and which there are."""
