"""LAS, LAZ and COPC -> points, in pieces that processes can share."""
