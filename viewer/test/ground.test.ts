import { describe, expect, it } from "vitest";
import { DescriptionError } from "../src/twin/description";
import { Ground } from "../src/twin/ground";

// 3 × 2 samples: north row 10 20 40, south row 30 50 80.
const document = { west: 6, south: 51, east: 8, north: 52, width: 3, height: 2, heights: [10, 20, 40, 30, 50, 80] };

describe("Ground", () => {
  const ground = Ground.parse(document);

  it("gives each sample where it lies", () => {
    expect([6, 7, 8].map((longitude) => ground.at(longitude, 52))).toEqual([10, 20, 40]);
    expect([6, 7, 8].map((longitude) => ground.at(longitude, 51))).toEqual([30, 50, 80]);
  });

  it("is bilinear between them", () => {
    expect(ground.at(6.5, 52)).toBeCloseTo(15);
    expect(ground.at(6, 51.75)).toBeCloseTo(15);
    expect(ground.at(7.5, 51.5)).toBeCloseTo((20 + 40 + 50 + 80) / 4);
  });

  it("goes on at the height of its edge", () => {
    expect(ground.at(-100, 89)).toBe(10);
    expect(ground.at(100, -89)).toBe(80);
    expect(ground.at(7, 60)).toBe(20);
  });

  it("samples a tile from north-west to south-east", () => {
    expect([...ground.grid(6, 51, 8, 52, 3, 2)]).toEqual(document.heights);
  });

  it("may be level", () => {
    const level = Ground.level({ west: 6, south: 51, east: 8, north: 52 }, 42);
    expect(level.at(7, 51.5)).toBe(42);
    expect(level.at(-50, 0)).toBe(42);
  });

  it.each([
    ["a missing edge", { ...document, west: undefined }],
    ["too few heights", { ...document, heights: [1, 2, 3] }],
    ["a height that is no number", { ...document, heights: [1, 2, 3, 4, 5, "6"] }],
    ["no samples", { ...document, width: 0, height: 0, heights: [] }],
    ["nothing", null],
  ])("refuses %s", (_what, broken) => {
    expect(() => Ground.parse(broken)).toThrow(DescriptionError);
  });
});
