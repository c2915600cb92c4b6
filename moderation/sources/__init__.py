"""Hands in comments of other platforms: what a source is, one that reads JSON lines, the way to the gate."""
