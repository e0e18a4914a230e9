"""Points -> 3D Tiles, out of core: runs on disk, partitions of space, an octree whose every point is in one tile."""
