import { describe, expect, it } from "vitest";
import { details, textOf } from "../src/twin/attributes";

const house = {
  id: "DENW22AL500001kE",
  part_id: undefined,
  class_name: "Building",
  function: "31001_1010",
  function_label: "Wohnhaus",
  roof_type: "3100",
  roof_type_label: "Satteldach",
  measured_height: 12.4321,
  storeys_above_ground: 2,
  year_of_construction: 1950,
  address: "Musterstraße 12, Neuss",
  municipality: "Neuss",
  roof_height_source: "1000",
  roof_height_source_label: "Laserscanning",
  ground_elevation: 39.777,
  roof_elevation: 1050.2,
  footprint_date: "2020-07-01",
  Zusatz: "frei",
};

function value(id: string, language: "de" | "en" = "de"): string | undefined {
  const shown = details(house, language);
  return [...shown.rows, ...shown.more].find((row) => row.id === id)?.value;
}

describe("details", () => {
  it("reads as people in Germany write", () => {
    expect(value("measured_height")).toBe("12,4\u00a0m");
    expect(value("roof_elevation")).toBe("1.050,20\u00a0m");
    expect(value("footprint_date")).toBe("01.07.2020");
    expect(value("year_of_construction")).toBe("1950");
    expect(value("class_name")).toBe("Gebäude");
  });

  it("reads as people in Britain write", () => {
    expect(value("measured_height", "en")).toBe("12.4\u00a0m");
    expect(value("roof_elevation", "en")).toBe("1,050.20\u00a0m");
    expect(value("footprint_date", "en")).toBe("01/07/2020");
  });

  it("is titled by name, else address, else function, else kind", () => {
    expect(details(house, "de")).toMatchObject({ title: "Musterstraße 12, Neuss", subtitle: "Wohnhaus" });
    expect(details({ ...house, name: "Quirinus-Münster" }, "de")).toMatchObject({
      title: "Quirinus-Münster",
      subtitle: "Wohnhaus · Musterstraße 12, Neuss",
    });
    expect(details({ ...house, address: "" }, "de")).toMatchObject({ title: "Wohnhaus", subtitle: "" });
    expect(details({ id: "a" }, "de").title).toBe("Gebäude");
    expect(details({ id: "a", part_id: "b" }, "de").title).toBe("Gebäudeteil");
  });

  it("leaves out what is not known and puts what the source adds at the end", () => {
    const shown = details(house, "de");
    expect(shown.rows.map((row) => row.id)).not.toContain("part_id");
    expect(shown.rows.map((row) => row.id)).not.toContain("storeys_below_ground");
    expect(shown.more.at(-1)).toMatchObject({ id: "Zusatz", label: "Zusatz", value: "frei" });
  });

  it("names what it does not know as the layer's schema does", () => {
    const labels = new Map([
      ["id", { name: "Kennung", description: "gml:id of the Building" }],
      ["Heizwaerme", { name: "Heizwärmebedarf", description: "gen:doubleAttribute. Unit: kWh." }],
      ["lod", { name: "Detaillierungsgrad", description: "level of detail" }],
      ["leer", { name: "", description: "" }],
    ]);
    const { rows, more } = details({ id: "a", lod: 2, Heizwaerme: 1240.5, leer: "x" }, "de", labels);
    expect(rows).toEqual([expect.objectContaining({ label: "Gebäude-ID (ALKIS)", origin: "gml:id of the Building" })]);
    expect(more.map(({ label, value, isFigure }) => [label, value, isFigure])).toEqual([
      ["Detaillierungsgrad", "2", false],
      ["Heizwärmebedarf", "1.240,5\u00a0kWh", true],
      ["leer", "x", false],
    ]);
  });

  it("keeps odd values as they are", () => {
    const odd = details(
      { id: "a", measured_height: "hoch", footprint_date: "2020", year_of_construction: Number.NaN },
      "de",
    );
    expect(odd.rows.map((row) => [row.id, row.value])).toEqual([
      ["id", "a"],
      ["measured_height", "hoch"],
      ["footprint_date", "2020"],
    ]);
  });
});

describe("textOf", () => {
  it.each([
    [null, ""],
    [undefined, ""],
    [0, "0"],
    [7n, "7"],
    [true, "true"],
    [["a", null, "b"], "a, b"],
    [{ a: 1 }, ""],
    ["  x ", "x"],
    [Number.POSITIVE_INFINITY, ""],
  ])("%s → %s", (input, output) => {
    expect(textOf(input)).toBe(output);
  });
});
