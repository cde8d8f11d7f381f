"""Measurements of speed: scripts that print tables and assert nothing."""
