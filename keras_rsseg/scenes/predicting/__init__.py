"""From a scene's tiles to blended scores of the blocks of a map."""
