import { DescriptionError, type Extent } from "./description";

/** A pyramid of pictures in Web Mercator, as a TileJSON describes it. */
export interface Pictures {
  /** Address of a tile with `{z}`, `{x}` and `{y}`. */
  readonly template: string;
  /** Degrees. Outside there are no tiles. */
  readonly bounds: Pick<Extent, "west" | "south" | "east" | "north">;
  /** Levels between which there are tiles. */
  readonly coarsest: number;
  readonly finest: number;
  /** Pixels along a tile's side. */
  readonly side: number;
}

/**
 * The pictures that a parsed TileJSON 3.0.0 describes; throws {@link DescriptionError} where the shape is another.
 *
 * @param address where the TileJSON was found: its tiles' addresses are relative to it.
 */
export function parseTileJson(value: unknown, address: string): Pictures {
  const from = (value ?? {}) as Record<string, unknown>;
  const { tiles, bounds, scheme } = from;
  const [template] = Array.isArray(tiles) ? (tiles as unknown[]) : [];
  if (typeof template !== "string" || !/\{z\}.*\{x\}.*\{y\}/.test(template)) {
    throw new DescriptionError("tiles.tiles has no address with {z}, {x} and {y}");
  }
  if (scheme !== undefined && scheme !== "xyz") throw new DescriptionError("tiles.scheme is not xyz");
  if (!Array.isArray(bounds) || bounds.length !== 4 || !bounds.every((entry) => Number.isFinite(entry))) {
    throw new DescriptionError("tiles.bounds has not four numbers");
  }
  const [west, south, east, north] = bounds as [number, number, number, number];
  if (west >= east || south >= north) throw new DescriptionError("tiles.bounds is inside out");
  const [coarsest, finest, side] = [
    whole(from.minzoom ?? 0, "minzoom"),
    whole(from.maxzoom, "maxzoom"),
    whole(from.tileSize ?? 256, "tileSize"),
  ];
  if (coarsest > finest || finest > 30 || side === 0) throw new DescriptionError("tiles has impossible levels");
  // As text: a URL object would write the braces as percent signs.
  const absolute = /^[a-z][a-z\d+.-]*:|^\//i.test(template) ? template : address.replace(/[^/]*$/, "") + template;
  return { template: absolute, bounds: { west, south, east, north }, coarsest, finest, side };
}

function whole(value: unknown, key: string): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= 0) return value;
  throw new DescriptionError(`tiles.${key} is no whole number`);
}
