import { describe, expect, it } from "vitest";
import {
  CLASS_LIST,
  channels,
  classColor,
  className,
  formatClasses,
  HEIGHT_COLORS,
  HIDDEN_CLASSES,
  intensityAt,
  intensityBend,
  type PointStatistics,
  palette,
  parseClasses,
  pointFacts,
} from "../src/twin/point_classes";

const schema = {
  enums: {
    Classification: {
      values: [
        { name: "Boden", value: 2 },
        { name: "Gebäude", value: 6 },
        { name: "Keller", value: 24 },
      ],
    },
  },
};

function statistics(properties: object): PointStatistics {
  return { classes: { point: { count: 60, properties: properties as Record<string, never> } } };
}

describe("pointFacts", () => {
  it("counts classes by code, the most frequent first", () => {
    const facts = pointFacts(
      schema,
      statistics({
        CLASSIFICATION: { occurrences: { Boden: 10, Keller: 10, Gebäude: 40 } },
        INTENSITY: { min: 3, max: 900 },
      }),
    );
    expect(facts).toEqual({
      count: 60,
      classes: [
        { code: 6, name: "Gebäude", count: 40 },
        { code: 2, name: "Boden", count: 10 },
        { code: 24, name: "Keller", count: 10 },
      ],
      intensity: { min: 3, max: 900 },
      heights: null,
    });
  });

  it("reads from the schema how heights above ground are stored", () => {
    const properties = { HEIGHT_ABOVE_GROUND: { offset: -50, scale: 3276.75 } };
    const { heights } = pointFacts({ classes: { point: { properties } } }, undefined);
    expect(heights?.lowest).toBe(-50);
    expect(heights?.step).toBeCloseTo(0.05, 12);
    expect(
      pointFacts({ classes: { point: { properties: { HEIGHT_ABOVE_GROUND: {} } } } }, undefined).heights,
    ).toBeNull();
  });

  it("leaves out what the schema does not name, and knows nothing of a tileset without metadata", () => {
    expect(pointFacts(schema, statistics({ CLASSIFICATION: { occurrences: { Mond: 5 } } })).classes).toEqual([]);
    expect(pointFacts(schema, statistics({})).intensity).toBeNull();
    expect(pointFacts(undefined, undefined)).toEqual({ count: 0, classes: [], intensity: null, heights: null });
  });
});

describe("the palette of classes", () => {
  const named = [...Array(23).keys(), 24, 26];

  it("has a colour of its own for each class that has a name", () => {
    expect(new Set(named.map(classColor)).size).toBe(named.length);
  });

  it("is calm: no colour is more saturated than the model's accents", () => {
    for (let code = 0; code < 256; code += 1) {
      const rgb = [1, 3, 5].map((at) => Number.parseInt(classColor(code).slice(at, at + 2), 16));
      expect(Math.max(...rgb) - Math.min(...rgb), String(code)).toBeLessThanOrEqual(135);
      if (![7, 13, 14, 15, 16, 18].includes(code)) expect(Math.max(...rgb) - Math.min(...rgb)).toBeLessThan(80);
    }
  });

  it("gives hidden classes no opacity, and noise and cellars are hidden", () => {
    const bytes = palette(HIDDEN_CLASSES);
    expect([...bytes.slice(4 * 2, 4 * 2 + 4)]).toEqual([0xb9, 0xa4, 0x86, 255]);
    const hidden = [...Array(256).keys()].filter((code) => bytes[4 * code + 3] === 0);
    expect(hidden).toEqual([7, 18, 24]);
  });

  it("names classes in both languages", () => {
    expect(className({ code: 2, name: "Boden" }, "de")).toBe("Boden");
    expect(className({ code: 2, name: "Boden" }, "en")).toBe("Ground");
    expect(className({ code: 77, name: "Klasse 77" }, "en")).toBe("Class 77");
  });
});

describe("the stretch of intensities", () => {
  const range = { min: 20, max: 65535 };

  it("keeps both ends and gives the middle to what scanners mostly see", () => {
    expect(intensityAt(0, range)).toBe(20);
    expect(intensityAt(1, range)).toBeCloseTo(65535);
    expect(intensityAt(0.5, range)).toBeLessThan(5000);
  });

  it("is what the shader does, backwards", () => {
    const bend = intensityBend(range);
    const share = (1200 - range.min) / (range.max - range.min);
    expect(intensityAt(Math.log(1 + bend * share) / Math.log(1 + bend), range)).toBeCloseTo(1200);
  });

  it("hardly bends eight bits", () => {
    expect(intensityAt(0.5, { min: 0, max: 255 })).toBeCloseTo(105.6, 1);
  });
});

describe("colours by height", () => {
  it("get darker upwards, so that they are told apart without their hue", () => {
    const light = HEIGHT_COLORS.map(({ color }) => {
      const [red, green, blue] = channels(color);
      return 0.2126 * red ** 2.2 + 0.7152 * green ** 2.2 + 0.0722 * blue ** 2.2;
    });
    expect(light).toEqual([...light].sort((a, b) => b - a));
    expect(new Set(light.map((one) => one.toFixed(2))).size).toBe(light.length);
    expect(HEIGHT_COLORS.map(({ metres }) => metres)).toEqual([0, 2, 6, 15, 30]);
  });
});

describe("hidden classes in a link", () => {
  it.each([[[]], [[7]], [[24, 7, 18]], [[0, 255]]])("are read back: %j", (codes) => {
    const text = formatClasses(new Set(codes));
    expect(text).toMatch(CLASS_LIST);
    expect(parseClasses(text)).toEqual(new Set(codes));
  });

  it("are in order, and none where the text is none", () => {
    expect(formatClasses(new Set([24, 7, 18]))).toBe("7-18-24");
    expect(formatClasses(new Set())).toBe("keine");
    for (const text of ["", "7,18", "-7", "1e3", "7--18"]) {
      expect(text).not.toMatch(CLASS_LIST);
      expect(parseClasses(text)).toEqual(new Set());
    }
  });
});
