"""The products of a scene: maps, pictures of them, polygons, styles."""
