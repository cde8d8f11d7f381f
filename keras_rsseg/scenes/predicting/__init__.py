"""From a scene's tiles to the blended scores of a map's blocks."""
