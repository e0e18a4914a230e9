"""LAS, LAZ and COPC -> points.  Empty until the point cloud pipeline is built; the import rules already hold for it."""
