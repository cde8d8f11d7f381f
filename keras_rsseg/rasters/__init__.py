"""Rasters of any driver: opened strictly, read by window, written whole."""
