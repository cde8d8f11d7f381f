"""Presets: names, places, publishing."""
