import { Math as CesiumMath, CustomHeightmapTerrainProvider, GeographicTilingScheme, Rectangle } from "@cesium/engine";
import type { Ground } from "../twin/ground";

const SAMPLES = 17;
const METRES_PER_DEGREE = 111_320;
/** The ground reaches this far (degrees) beyond the data on each side: behind the haze, whatever the camera's height. */
const BEYOND = 2.5;
/** No slope of the coarse ground hides more than this share of the distance between two samples. */
const LARGEST_SLOPE = 0.02;
/** Finer than half a cell (25 m) of the coarse ground there is nothing to see; the rest keeps the tiles' skirts alive. */
const FINEST_SPACING = 12.5;
const SMALLEST_ERROR = 0.1;
const EARTH_RADIUS = 6_371_000;

/** CesiumJS terrain from a coarse ground; it goes on at the height of its edge to the horizon. */
class GroundTerrain extends CustomHeightmapTerrainProvider {
  /** CesiumJS supposes mountains, and would load ten times as many tiles as this smooth ground needs. */
  override getLevelMaximumGeometricError(level: number): number {
    const { west, east } = this.tilingScheme.rectangle;
    const spacing = (CesiumMath.toDegrees(east - west) * METRES_PER_DEGREE) / 2 ** level / (SAMPLES - 1);
    // Without an end, a camera close to the ground would have CesiumJS subdivide beyond the levels that it has room for.
    if (spacing < FINEST_SPACING / 2) return 0;
    if (spacing < FINEST_SPACING) return SMALLEST_ERROR;
    return spacing * LARGEST_SLOPE + spacing ** 2 / (8 * EARTH_RADIUS);
  }
}

export function groundTerrain(ground: Ground): CustomHeightmapTerrainProvider {
  // One root tile near the data instead of two for the globe saves six levels on the way down to a street.
  const tilingScheme = new GeographicTilingScheme({
    rectangle: Rectangle.fromDegrees(
      ground.west - BEYOND,
      ground.south - BEYOND,
      ground.east + BEYOND,
      ground.north + BEYOND,
    ),
    numberOfLevelZeroTilesX: 1,
    numberOfLevelZeroTilesY: 1,
  });
  return new GroundTerrain({
    width: SAMPLES,
    height: SAMPLES,
    tilingScheme,
    callback: (x, y, level) => {
      const { west, south, east, north } = tilingScheme.tileXYToRectangle(x, y, level);
      const degrees = CesiumMath.toDegrees;
      return ground.grid(degrees(west), degrees(south), degrees(east), degrees(north), SAMPLES, SAMPLES);
    },
  });
}
