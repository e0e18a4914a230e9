import { describe, expect, it } from "vitest";
import { civilTime, formatCivil, instantOf, parseCivil } from "../src/twin/civil_time";

describe("legal time in Germany", () => {
  it("is one hour ahead of UTC in winter, two in summer", () => {
    expect(civilTime(new Date("2026-11-21T13:05:00Z"))).toEqual({ date: "2026-11-21", minutes: 14 * 60 + 5 });
    expect(civilTime(new Date("2026-07-01T22:30:00Z"))).toEqual({ date: "2026-07-02", minutes: 30 });
  });

  it("comes back from every hour of a year", () => {
    for (let hour = 0; hour < 365 * 24; hour += 7) {
      const instant = new Date(Date.UTC(2026, 0, 1, hour));
      const civil = civilTime(instant);
      expect(civilTime(instantOf(civil) ?? new Date(0))).toEqual(civil);
    }
  });

  it("takes the first of the hour that happens twice, and counts on over the one that is left out", () => {
    expect(instantOf({ date: "2026-10-25", minutes: 150 })?.toISOString()).toBe("2026-10-25T00:30:00.000Z");
    expect(instantOf({ date: "2026-03-29", minutes: 150 })?.toISOString()).toBe("2026-03-29T01:30:00.000Z");
  });

  it("refuses what is no date", () => {
    for (const text of [
      "",
      "2026-02-30T10:00",
      "2026-13-01T10:00",
      "2026-01-01T24:00",
      "2026-01-01T10:60",
      "gestern",
    ]) {
      expect(parseCivil(text)).toBeNull();
    }
  });

  it("is written and read the same", () => {
    expect(formatCivil({ date: "2026-11-21", minutes: 845 })).toBe("2026-11-21T14:05");
    expect(parseCivil("2026-11-21T14:05")).toEqual({ date: "2026-11-21", minutes: 845 });
  });
});
