import { describe, expect, it } from "vitest";
import { DescriptionError } from "../src/twin/description";
import { parsePlace, parsePosition, placeId, placeRows } from "../src/twin/place";
import { Words } from "../src/twin/words";

const ANSWER = {
  longitude: 6.75297,
  latitude: 51.195812,
  ellipsoidal_height: 85.82,
  crs: "EPSG:25832+7837",
  easting: 343000.004,
  northing: 5674000.001,
  height: 40.004,
  height_system: "DHHN2016",
};

describe("a place on the ground", () => {
  it("comes back from its id", () => {
    const id = placeId({ longitude: 6.7529701, latitude: 51.1958119, height: 85.8251 });
    expect(id).toBe("6.752970,51.195812,85.83");
    expect(parsePlace(id)).toEqual({ longitude: 6.75297, latitude: 51.195812, height: 85.83 });
    expect(parsePlace("-0.5,-45.25,-3")).toEqual({ longitude: -0.5, latitude: -45.25, height: -3 });
  });

  it.each([
    "",
    "6.7,51.1",
    "6.7,51.1,NaN",
    "6.7,51.1,Infinity",
    "181.0,51.1,80",
    "6.7,91.0,80",
    "6,51,80",
    "6.7,51.1,80,1",
    " 6.7,51.1,80",
    "0x6.7,51.1,8",
  ])("is none in %j", (id) => {
    expect(parsePlace(id)).toBeNull();
  });

  it("is told with its height above the sea first", () => {
    const rows = placeRows("6.752970,51.195812,85.82", { position: parsePosition(ANSWER) }, new Words("de"));
    expect(rows.map(({ label, value }) => [label, value])).toEqual([
      ["Höhe über NHN (DHHN2016)", "40,0\u00a0m"],
      ["Ostwert", "343.000,0\u00a0m"],
      ["Nordwert", "5.674.000,0\u00a0m"],
      ["Koordinatensystem", "EPSG:25832+7837"],
      ["Breite, Länge (WGS 84)", "51.195812, 6.752970"],
    ]);
  });

  it("is told by its degrees alone where the server knows nothing", () => {
    const rows = placeRows("6.752970,51.195812,85.82", { position: null }, new Words("en"));
    expect(rows.map(({ id }) => id)).toEqual(["degrees"]);
  });

  it.each([
    [null],
    [{ ...ANSWER, height: "40" }],
    [{ ...ANSWER, crs: undefined }],
    [{ ...ANSWER, easting: Number.NaN }],
  ])("is not taken from another answer: %j", (answer) => {
    expect(() => parsePosition(answer)).toThrow(DescriptionError);
  });
});
