import { describe, expect, it } from "vitest";
import { type Selection, SelectionModel } from "../src/twin/selection";

describe("SelectionModel", () => {
  it("tells what was chosen and what before", () => {
    const model = new SelectionModel();
    const told: (string | undefined)[][] = [];
    model.onChange((now, before) => told.push([now?.id, before?.id]));
    model.select({ layer: "l", id: "a", attributes: {} });
    model.select({ layer: "l", id: "b", attributes: {} });
    model.clear();
    model.clear();
    expect(told).toEqual([
      ["a", undefined],
      ["b", "a"],
      [undefined, "b"],
    ]);
  });

  it("fills in attributes once, and only of what is chosen", () => {
    const model = new SelectionModel();
    const told: (Selection | null)[] = [];
    model.select({ layer: "l", id: "a", attributes: null });
    model.onChange((now) => told.push(now));
    model.fill("b", { id: "b" });
    model.fill("a", { id: "a" });
    model.fill("a", { id: "again" });
    expect(told).toEqual([{ layer: "l", id: "a", attributes: { id: "a" } }]);
  });
});
