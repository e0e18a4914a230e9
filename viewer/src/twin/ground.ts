import { DescriptionError, type Extent } from "./description";

/**
 * A coarse ground: a grid of ellipsoidal heights in metres over a rectangle in degrees. Samples lie on the rectangle's
 * edges (first column on `west`, last on `east`), rows run from north to south.
 */
export class Ground {
  constructor(
    readonly west: number,
    readonly south: number,
    readonly east: number,
    readonly north: number,
    readonly width: number,
    readonly height: number,
    private readonly heights: Float64Array,
  ) {}

  /** A ground of one height everywhere, for layers whose source tells none. */
  static level(extent: Pick<Extent, "west" | "south" | "east" | "north">, height: number): Ground {
    const { west, south, east, north } = extent;
    return new Ground(west, south, east, north, 1, 1, Float64Array.of(height));
  }

  /** The ground in a parsed `ground.json`; throws DescriptionError where the shape is another. */
  static parse(value: unknown): Ground {
    const from = (value ?? {}) as Record<string, unknown>;
    const side = (key: string): number => {
      const entry = from[key];
      if (typeof entry !== "number" || !Number.isFinite(entry))
        throw new DescriptionError(`ground.${key} is no number`);
      return entry;
    };
    const [width, height] = [side("width"), side("height")];
    const { heights } = from;
    if (!Array.isArray(heights) || heights.length !== width * height || heights.length === 0) {
      throw new DescriptionError("ground.heights has not width × height entries");
    }
    if (!heights.every((entry) => typeof entry === "number" && Number.isFinite(entry))) {
      throw new DescriptionError("ground.heights has an entry that is no number");
    }
    const samples = Float64Array.from(heights as number[]);
    return new Ground(side("west"), side("south"), side("east"), side("north"), width, height, samples);
  }

  /** Height at a place in degrees: bilinear inside, the nearest edge's height outside. */
  at(longitude: number, latitude: number): number {
    const column = position(longitude, this.west, this.east, this.width);
    const row = position(latitude, this.north, this.south, this.height);
    const [left, top] = [Math.floor(column), Math.floor(row)];
    const [right, bottom] = [Math.min(left + 1, this.width - 1), Math.min(top + 1, this.height - 1)];
    const [x, y] = [column - left, row - top];
    const north = this.sample(left, top) * (1 - x) + this.sample(right, top) * x;
    const south = this.sample(left, bottom) * (1 - x) + this.sample(right, bottom) * x;
    return north * (1 - y) + south * y;
  }

  /** Row-major heights of `columns` × `rows` samples over a rectangle in degrees, north row first, edges included. */
  grid(west: number, south: number, east: number, north: number, columns: number, rows: number): Float32Array {
    const heights = new Float32Array(columns * rows);
    for (let row = 0; row < rows; row += 1) {
      const latitude = north + ((south - north) * row) / (rows - 1);
      for (let column = 0; column < columns; column += 1) {
        heights[row * columns + column] = this.at(west + ((east - west) * column) / (columns - 1), latitude);
      }
    }
    return heights;
  }

  private sample(column: number, row: number): number {
    return this.heights[row * this.width + column] ?? 0;
  }
}

/** Where `value` falls between the first and the last of `count` samples, clamped to them. */
function position(value: number, first: number, last: number, count: number): number {
  if (count < 2 || first === last) return 0;
  return Math.min(Math.max(((value - first) / (last - first)) * (count - 1), 0), count - 1);
}
