import { describe, expect, it } from "vitest";
import { formatLink, isFeatureId, parseLink } from "../src/twin/link";

const CHOICES = ["gebaeude", "sensor"];
const SETTINGS = [
  { parameter: "gelaende", values: [{ value: "netz" }, { value: "globus" }] },
  { parameter: "aus", values: [{ value: "7-18" }], pattern: /^\d+(?:-\d+)*$/ },
];

describe("a link", () => {
  it("is read back as it was written", () => {
    const link = {
      choice: { parameter: "gebaeude", id: "DENW22AL500001kE" },
      camera: { longitude: 6.691234, latitude: 51.198765, height: 312.5, heading: 332.1, pitch: -31 },
      time: { date: "2026-11-21", minutes: 845 },
      language: "en",
      quality: "high",
      settings: new Map([
        ["gelaende", "globus"],
        ["aus", "2-6"],
      ]),
    } as const;
    expect(parseLink(formatLink(link), CHOICES, SETTINGS)).toEqual(link);
  });

  it("is empty where nothing is asked for", () => {
    const nothing = { choice: null, camera: null, time: null, language: null, quality: null, settings: new Map() };
    expect(parseLink("", CHOICES, SETTINGS)).toEqual(nothing);
    expect(formatLink(nothing)).toBe("");
  });

  it.each([
    "?kamera=1,2,3",
    "?kamera=1,2,3,4,x",
    "?kamera=,,,,",
    "?kamera=200,51,100,0,-30",
    "?kamera=6,51,1e300,0,-30",
    "?kamera=6,51,NaN,0,-30",
    "?zeit=2026-02-30T10:00",
    "?sprache=fr",
    "?qualitaet=egal",
    "?gebaeude=%20",
    "?gelaende=netz",
    "?gelaende=scheibe",
    "?luftbild=voll",
    "?aus=7-18",
    "?aus=7-",
    "?aus=%3Cscript%3E",
  ])("ignores what makes no sense: %s", (query) => {
    expect(formatLink(parseLink(query, CHOICES, SETTINGS))).toBe("");
  });

  it("keeps any id it is given, but knows which can be one", () => {
    expect(parseLink("?gebaeude=%3Cscript%3E", CHOICES, SETTINGS).choice?.id).toBe("<script>");
    expect(isFeatureId("DENW22AL500001kE")).toBe(true);
    for (const hostile of ["<script>", "../../etc/passwd", "a b", "", "x".repeat(200), "a\u202eb"]) {
      expect(isFeatureId(hostile)).toBe(false);
    }
    expect(
      formatLink({ ...parseLink("", CHOICES, SETTINGS), choice: { parameter: "gebaeude", id: "a&kamera=1#" } }),
    ).toBe("?gebaeude=a%26kamera%3D1%23");
  });

  it("names one choice, by one of the names that there are", () => {
    expect(parseLink("?sensor=5", CHOICES, SETTINGS).choice).toEqual({ parameter: "sensor", id: "5" });
    expect(parseLink("?sensor=5&gebaeude=7", CHOICES, SETTINGS).choice).toEqual({ parameter: "gebaeude", id: "7" });
    expect(parseLink("?baum=5", CHOICES, SETTINGS).choice).toBeNull();
  });
});
