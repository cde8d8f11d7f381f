"""From a map to polygons."""
