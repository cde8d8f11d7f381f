"""Converters: from a source of weights to a preset folder."""
