"""Reading scenes: any raster, its valid pixels, its size on the ground."""
