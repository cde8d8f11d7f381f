"""Scenes as they come: any raster, its validity, its size on the ground."""
