"""`FeatureBatch` -> 3D Tiles 1.1: the tree of tiles, the GLB in each, the files on disk, and the check over them."""
