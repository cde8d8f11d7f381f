"""What is made of a scene: maps, pictures of them, polygons, styles."""
