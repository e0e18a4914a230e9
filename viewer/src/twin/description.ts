/** What `/api/twin` tells: the county's title, its layers and what must be said about their data. */

export interface Extent {
  readonly west: number;
  readonly south: number;
  readonly east: number;
  readonly north: number;
  /** Ellipsoidal heights in metres. */
  readonly low: number;
  readonly high: number;
}

export interface Layer {
  readonly id: string;
  readonly title: string;
  readonly kind: string;
  /** URL of the tileset, as the server gives it. */
  readonly tileset: string;
  /** URL of the coarse ground heights, if the source told any. */
  readonly ground: string | null;
  /** URL of the folder of a quantized-mesh terrain, and of the TileJSON of its pictures, where the layer has them. */
  readonly terrain: string | null;
  readonly imagery: string | null;
  /** URL template with `{id}` for one feature. */
  readonly item: string;
  readonly extent: Extent;
  readonly licence: string;
  readonly attribution: readonly string[];
  /** Day that the data is of (`2026-11-21`), or an empty text where the source does not say. */
  readonly date: string;
  readonly isSynthetic: boolean;
}

export interface Twin {
  readonly title: string;
  readonly isSynthetic: boolean;
  /** Whether the server tells of live sensors. */
  readonly hasSensors: boolean;
  readonly attribution: readonly string[];
  readonly layers: readonly Layer[];
}

/** The server's answer has not the shape that this viewer knows. */
export class DescriptionError extends Error {
  override readonly name = "DescriptionError";
}

type Fields = Record<string, unknown>;

function fields(value: unknown, where: string): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new DescriptionError(`${where} is no object`);
  }
  return value as Fields;
}

function text(from: Fields, key: string, where: string): string {
  const value = from[key];
  if (typeof value !== "string") throw new DescriptionError(`${where}.${key} is no text`);
  return value;
}

function optional(from: Fields, key: string, where: string): string | null {
  return from[key] == null ? null : text(from, key, where);
}

function number(from: Fields, key: string, where: string): number {
  const value = from[key];
  if (typeof value !== "number" || !Number.isFinite(value)) throw new DescriptionError(`${where}.${key} is no number`);
  return value;
}

function texts(from: Fields, key: string, where: string): readonly string[] {
  const value = from[key] ?? [];
  if (!Array.isArray(value) || value.some((entry) => typeof entry !== "string")) {
    throw new DescriptionError(`${where}.${key} is no list of texts`);
  }
  return value as readonly string[];
}

function parseExtent(value: unknown, where: string): Extent {
  const from = fields(value, where);
  const extent = {
    west: number(from, "west", where),
    south: number(from, "south", where),
    east: number(from, "east", where),
    north: number(from, "north", where),
    low: number(from, "low", where),
    high: number(from, "high", where),
  };
  if (extent.west > extent.east || extent.south > extent.north || extent.low > extent.high) {
    throw new DescriptionError(`${where} is inside out`);
  }
  return extent;
}

function parseLayer(value: unknown, where: string): Layer {
  const from = fields(value, where);
  return {
    id: text(from, "id", where),
    title: text(from, "title", where),
    kind: text(from, "kind", where),
    tileset: text(from, "tileset", where),
    ground: optional(from, "ground", where),
    terrain: optional(from, "terrain", where),
    imagery: optional(from, "imagery", where),
    item: text(from, "item", where),
    extent: parseExtent(from.extent, `${where}.extent`),
    licence: text(from, "licence", where),
    attribution: texts(from, "attribution", where),
    date: optional(from, "date", where) ?? "",
    isSynthetic: from.is_synthetic === true,
  };
}

/** The smallest extent that holds all of some, of which there is at least one. */
export function union(extents: readonly Extent[]): Extent {
  return {
    west: Math.min(...extents.map((extent) => extent.west)),
    south: Math.min(...extents.map((extent) => extent.south)),
    east: Math.max(...extents.map((extent) => extent.east)),
    north: Math.max(...extents.map((extent) => extent.north)),
    low: Math.min(...extents.map((extent) => extent.low)),
    high: Math.max(...extents.map((extent) => extent.high)),
  };
}

/** The typed description in a parsed JSON answer; throws {@link DescriptionError} where the shape is another. */
export function parseTwin(value: unknown): Twin {
  const from = fields(value, "twin");
  const layers = from.layers;
  if (!Array.isArray(layers)) throw new DescriptionError("twin.layers is no list");
  return {
    title: text(from, "title", "twin"),
    isSynthetic: from.is_synthetic === true,
    hasSensors: from.has_sensors === true,
    attribution: texts(from, "attribution", "twin"),
    layers: layers.map((layer, index) => parseLayer(layer, `twin.layers[${index}]`)),
  };
}

/** A feature's place: west, south, low, east, north, high (degrees and ellipsoidal metres), from GeoJSON's six-number bbox. */
export function parseItemExtent(value: unknown): Extent {
  const bbox = fields(value, "item").bbox;
  if (!Array.isArray(bbox) || bbox.length !== 6 || bbox.some((entry) => typeof entry !== "number")) {
    throw new DescriptionError("item.bbox has not six numbers");
  }
  const [west, south, low, east, north, high] = bbox as [number, number, number, number, number, number];
  return parseExtent({ west, south, east, north, low, high }, "item.bbox");
}
