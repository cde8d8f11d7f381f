"""Presets: names, locations, publishing."""
