"""Decode, parse, validate and merge what landed, for every export alike."""
