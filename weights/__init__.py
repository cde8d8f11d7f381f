"""Converters from released weights to preset folders."""
