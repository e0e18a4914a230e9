import { describe, expect, it } from "vitest";
import { DescriptionError, parseItemExtent, parseTwin } from "../src/twin/description";

const layer = {
  id: "gebaeude",
  title: "Gebäude",
  kind: "buildings",
  tileset: "/tiles/gebaeude/0123456789abcdef/tileset.json",
  ground: null,
  item: "/api/collections/gebaeude/items/{id}",
  extent: { west: 6.6, south: 51.1, east: 6.8, north: 51.3, low: 80, high: 160 },
  licence: "dl-de/zero-2-0",
  attribution: ["Geobasis NRW"],
  is_synthetic: false,
};
const twin = { title: "Rhein-Kreis Neuss", is_synthetic: true, attribution: ["© BKG"], layers: [layer] };

describe("parseTwin", () => {
  it("gives the description typed", () => {
    const parsed = parseTwin(twin);
    expect(parsed.isSynthetic).toBe(true);
    expect(parsed.layers[0]).toMatchObject({ id: "gebaeude", ground: null, isSynthetic: false });
  });

  it("knows what only some layers have", () => {
    expect(parseTwin(twin).layers[0]).toMatchObject({ terrain: null, imagery: null, date: "" });
    const more = { ...layer, terrain: "/t/", imagery: "/i/tiles.json", date: "2025-05-22" };
    expect(parseTwin({ ...twin, layers: [more] }).layers[0]).toMatchObject({
      terrain: "/t/",
      imagery: "/i/tiles.json",
      date: "2025-05-22",
    });
    expect(() => parseTwin({ ...twin, layers: [{ ...layer, date: 2025 }] })).toThrow(DescriptionError);
  });

  it("takes what a later server adds", () => {
    expect(parseTwin({ ...twin, colour: "red", layers: [{ ...layer, more: 1 }] }).layers).toHaveLength(1);
  });

  it.each([
    ["nothing", null],
    ["a list", []],
    ["no layers", { ...twin, layers: undefined }],
    ["a title that is no text", { ...twin, title: 7 }],
    ["an attribution that is no list of texts", { ...twin, attribution: [7] }],
    ["an extent inside out", { ...twin, layers: [{ ...layer, extent: { ...layer.extent, west: 7 } }] }],
    ["an extent without a number", { ...twin, layers: [{ ...layer, extent: { ...layer.extent, low: "80" } }] }],
  ])("refuses %s", (_what, broken) => {
    expect(() => parseTwin(broken)).toThrow(DescriptionError);
  });
});

describe("parseItemExtent", () => {
  it("reads GeoJSON's six numbers", () => {
    expect(parseItemExtent({ bbox: [6, 51, 80, 7, 52, 90] })).toEqual({
      west: 6,
      south: 51,
      low: 80,
      east: 7,
      north: 52,
      high: 90,
    });
  });

  it.each([[{}], [{ bbox: [6, 51, 7, 52] }], [{ bbox: [7, 51, 80, 6, 52, 90] }], [null]])("refuses %j", (broken) => {
    expect(() => parseItemExtent(broken)).toThrow(DescriptionError);
  });
});
