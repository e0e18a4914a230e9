import { CustomHeightmapTerrainProvider, GeographicTilingScheme, Math as CesiumMath } from "@cesium/engine";
import type { Ground } from "../twin/ground";

const SAMPLES = 17;

/** CesiumJS terrain from a coarse ground; it goes on at the height of its edge to the horizon. */
export function groundTerrain(ground: Ground): CustomHeightmapTerrainProvider {
  const tilingScheme = new GeographicTilingScheme();
  return new CustomHeightmapTerrainProvider({
    width: SAMPLES,
    height: SAMPLES,
    tilingScheme,
    callback: (x, y, level) => {
      const tile = tilingScheme.tileXYToRectangle(x, y, level);
      const degrees = CesiumMath.toDegrees;
      return ground.grid(
        degrees(tile.west),
        degrees(tile.south),
        degrees(tile.east),
        degrees(tile.north),
        SAMPLES,
        SAMPLES,
      );
    },
  });
}
