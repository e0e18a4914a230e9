import { describe, expect, it } from "vitest";
import { DescriptionError } from "../src/twin/description";
import { parseTileJson } from "../src/twin/tilejson";

const ADDRESS = "https://twin.example/tiles/ground/0a/imagery/tiles.json";
const PYRAMID = {
  tilejson: "3.0.0",
  scheme: "xyz",
  tiles: ["{z}/{x}/{y}.webp"],
  bounds: [6.76, 51.18, 6.79, 51.2],
  minzoom: 1,
  maxzoom: 19,
  tileSize: 512,
};

describe("a TileJSON", () => {
  it("tells where tiles are, relative to itself", () => {
    expect(parseTileJson(PYRAMID, ADDRESS)).toEqual({
      template: "https://twin.example/tiles/ground/0a/imagery/{z}/{x}/{y}.webp",
      bounds: { west: 6.76, south: 51.18, east: 6.79, north: 51.2 },
      coarsest: 1,
      finest: 19,
      side: 512,
    });
  });

  it("has the specification's defaults", () => {
    const { minzoom, tileSize, scheme, ...rest } = PYRAMID;
    expect(parseTileJson(rest, ADDRESS)).toMatchObject({ coarsest: 0, side: 256 });
  });

  it.each([
    null,
    [],
    { ...PYRAMID, tiles: [] },
    { ...PYRAMID, tiles: ["{z}/{x}.webp"] },
    { ...PYRAMID, scheme: "tms" },
    { ...PYRAMID, bounds: [6.76, 51.18, 6.79] },
    { ...PYRAMID, bounds: [6.79, 51.18, 6.76, 51.2] },
    { ...PYRAMID, bounds: [6.76, 51.18, "6.79", 51.2] },
    { ...PYRAMID, maxzoom: undefined },
    { ...PYRAMID, minzoom: 20 },
    { ...PYRAMID, tileSize: 0 },
    { ...PYRAMID, maxzoom: 18.5 },
  ])("of another shape is refused: %j", (value) => {
    expect(() => parseTileJson(value, ADDRESS)).toThrow(DescriptionError);
  });
});
