"""From blocks to finished rasters, whole or not at all."""
