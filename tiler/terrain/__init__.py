"""The ground as 3D Tiles, and as what a globe needs: textured meshes, quantized-mesh terrain, a pyramid of pictures."""
