"""Models in exported files, run without a deep-learning framework."""
