// Reads terrain with CesiumJS; see answer.mjs.
//
// Every tile that layer.json says is available is fetched over HTTP and decoded as in a browser.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import * as Cesium from "cesium";
import { serve } from "./serving.mjs";

/**
 * Returns {tiles: [[level, x, y from the south]], failed, heights, has_normals} of a folder with layer.json.
 *
 * The text is {level, places: [[lon, lat]]}; heights are those of the tile of that level (null where the place has none),
 * interpolated in its triangles.
 */
export default async function readTerrain([folder], text) {
  const { level, places } = JSON.parse(text);
  const { address, close } = await serve(folder);
  Cesium.RequestScheduler.throttleRequests = false;

  try {
    const provider = await Cesium.CesiumTerrainProvider.fromUrl(`${address}/`, {
      requestVertexNormals: true,
    });
    const { available } = JSON.parse(await readFile(join(folder, "layer.json"), "utf8"));
    const found = { tiles: [], failed: [], heights: [], has_normals: provider.hasVertexNormals };
    const decoded = new Map();
    for (const [z, ranges] of available.entries()) {
      for (const { startX, startY, endX, endY } of ranges) {
        for (let x = startX; x <= endX; x++) {
          for (let y = startY; y <= endY; y++) {
            const fromNorth = 2 ** z - 1 - y;
            if (!provider.getTileDataAvailable(x, fromNorth, z)) found.failed.push([z, x, y, "not available"]);
            try {
              decoded.set(`${z}/${x}/${fromNorth}`, await provider.requestTileGeometry(x, fromNorth, z));
              found.tiles.push([z, x, y]);
            } catch (error) {
              found.failed.push([z, x, y, String(error)]);
            }
          }
        }
      }
    }
    for (const [lon, lat] of places) {
      const place = Cesium.Cartographic.fromDegrees(lon, lat);
      const { x, y } = provider.tilingScheme.positionToTileXY(place, level);
      const tile = decoded.get(`${level}/${x}/${y}`);
      const rectangle = provider.tilingScheme.tileXYToRectangle(x, y, level);
      found.heights.push(tile?.interpolateHeight(rectangle, place.longitude, place.latitude) ?? null);
    }
    return found;
  } finally {
    close();
  }
}
