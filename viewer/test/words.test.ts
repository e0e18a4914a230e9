import { describe, expect, it } from "vitest";
import { formatDate, formatMeasure, formatMetres, formatNumber, parseDay } from "../src/twin/format";
import { Words } from "../src/twin/words";

describe("words", () => {
  it("fill in names and leave unknown ones visible", () => {
    expect(new Words("de").say("retryIn", { seconds: 10 })).toBe("Wir versuchen es in 10 Sekunden erneut.");
    expect(new Words("de").say("retryIn")).toContain("{seconds}");
    expect(new Words("en").say("selected", { name: "$& <b>" })).toBe("Selected: $& <b>");
  });

  it("are nowhere in the page's own code", () => {
    const files = import.meta.glob<string>("../src/ui/*.ts", { query: "?raw", import: "default", eager: true });
    expect(Object.keys(files).length).toBeGreaterThan(5);
    for (const text of Object.values(files)) {
      expect(text).not.toMatch(/innerHTML|insertAdjacentHTML|outerHTML|[äöüß]/);
    }
  });
});

describe("numbers", () => {
  it("are German or British", () => {
    expect(formatNumber(1240, 0, "de")).toBe("1.240");
    expect(formatNumber(1240.5, 1, "en")).toBe("1,240.5");
    expect(formatMeasure(1240.5, "kWh", "de")).toBe("1.240,5\u00a0kWh");
    expect(formatMeasure(0.12345, "", "en")).toBe("0.123");
    expect(formatMetres(-0.04, 1, "de")).toBe("0,0\u00a0m");
    expect(formatDate("2026-11-21T14:05:00Z", "de")).toBe("21.11.2026");
    expect(formatDate("2026-11", "de")).toBe("2026-11");
  });
});

describe("days", () => {
  it.each([
    ["21.11.2026", "2026-11-21"],
    [" 1.2.2026 ", "2026-02-01"],
    ["21/11/2026", "2026-11-21"],
    ["2026-11-21", "2026-11-21"],
    ["30.02.2026", null],
    ["21.13.2026", null],
    ["21.11.26", null],
    ["", null],
    ["heute", null],
  ])("%j → %j", (text, day) => {
    expect(parseDay(text)).toBe(day);
  });
});
