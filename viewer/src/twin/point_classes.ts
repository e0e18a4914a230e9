/** Classes of laser points: what they are called, how many points each has, their colours, and which are shown. */

import type { Language, Text } from "./words";

/** A class that occurs in a layer. */
export interface PointClass {
  readonly code: number;
  /** In the words of the layer's schema. */
  readonly name: string;
  readonly count: number;
}

/** What occurs in a layer of points, from its schema and statistics. */
export interface PointFacts {
  readonly count: number;
  /** The most frequent first; empty where points have no class. */
  readonly classes: readonly PointClass[];
  /** Smallest and largest; null where points have no intensity. */
  readonly intensity: { readonly min: number; readonly max: number } | null;
  /** How numbers of 16 bits tell metres above ground; null where points do not know them. */
  readonly heights: { readonly lowest: number; readonly step: number } | null;
}

/** Parts of a schema and of statistics (3D Metadata 1.0) that tell of points. */
export interface PointSchema {
  readonly enums?: Readonly<
    Record<string, { readonly values: readonly { readonly name: string; readonly value: number }[] }>
  >;
  readonly classes?: Readonly<
    Record<
      string,
      { readonly properties?: Readonly<Record<string, { readonly offset?: unknown; readonly scale?: unknown }>> }
    >
  >;
}

export interface PointStatistics {
  readonly classes?: Readonly<
    Record<
      string,
      {
        readonly count?: number;
        readonly properties?: Readonly<
          Record<
            string,
            {
              readonly occurrences?: Readonly<Record<string, number>>;
              readonly min?: number;
              readonly max?: number;
            }
          >
        >;
      }
    >
  >;
}

/** What the schema and statistics of a tileset tell of its points; nothing where it has none. */
export function pointFacts(schema: PointSchema | undefined, statistics: PointStatistics | undefined): PointFacts {
  const point = statistics?.classes?.point;
  const { CLASSIFICATION, INTENSITY } = point?.properties ?? {};
  const codes = new Map(
    Object.values(schema?.enums ?? {}).flatMap(({ values }) =>
      values.map(({ name, value }): [string, number] => [name, value]),
    ),
  );
  const classes = Object.entries(CLASSIFICATION?.occurrences ?? {}).flatMap(([name, count]): PointClass[] => {
    const code = codes.get(name);
    return code === undefined ? [] : [{ code, name, count }];
  });
  const { min, max } = INTENSITY ?? {};
  const { offset, scale } = schema?.classes?.point?.properties?.HEIGHT_ABOVE_GROUND ?? {};
  return {
    count: point?.count ?? 0,
    classes: classes.sort((a, b) => b.count - a.count || a.code - b.code),
    intensity: min === undefined || max === undefined ? null : { min, max },
    // Normalized numbers of 16 bits are a share of 65,535.
    heights: typeof offset === "number" && typeof scale === "number" ? { lowest: offset, step: scale / 65_535 } : null,
  };
}

/** Noise and cellars: shown only to those who ask for them. */
export const HIDDEN_CLASSES: ReadonlySet<number> = new Set([7, 18, 24]);

/** What {@link formatClasses} writes. */
export const CLASS_LIST = /^(?:keine|\d{1,3}(?:-\d{1,3}){0,255})$/;

/** Classes as a link names them: `7-18-24`, or `keine`. */
export function formatClasses(classes: ReadonlySet<number>): string {
  return [...classes].sort((a, b) => a - b).join("-") || "keine";
}

/** The classes that a link names. */
export function parseClasses(text: string): ReadonlySet<number> {
  return new Set(CLASS_LIST.test(text) && text !== "keine" ? text.split("-").map(Number) : []);
}

// One palette of low saturation: earth for ground, greens for plants, the model's brick for buildings. What was added by
// computation (21, 26) is a lighter tint of what it stands for.
const COLORS: Readonly<Record<number, string>> = {
  0: "#a9a39a",
  1: "#9c968d",
  2: "#b9a486",
  3: "#b4c090",
  4: "#8fad79",
  5: "#6a9269",
  6: "#b9806c",
  7: "#c0689a",
  8: "#877d70",
  9: "#7ea5bf",
  10: "#79718a",
  11: "#8b8f96",
  12: "#aaa0b6",
  13: "#d3b965",
  14: "#c59a41",
  15: "#a27a3c",
  16: "#dccb90",
  17: "#9d83a5",
  18: "#d387b2",
  19: "#c5a3b6",
  20: "#aaa691",
  21: "#d4ab9a",
  22: "#bcb5c4",
  24: "#6d6258",
  26: "#d5c8b0",
};
const OTHERS = ["#8fa3a3", "#a39bb0", "#b3a08f", "#9aa88c", "#a8939c", "#8f9cb0"] as const;

const ENGLISH: Readonly<Record<number, string>> = {
  0: "Never classified",
  1: "Unassigned",
  2: "Ground",
  3: "Low vegetation",
  4: "Medium vegetation",
  5: "High vegetation",
  6: "Building",
  7: "Noise, low",
  8: "Model key point",
  9: "Water",
  10: "Rail",
  11: "Road",
  12: "Overlap",
  13: "Wire guard",
  14: "Wire conductor",
  15: "Transmission tower",
  16: "Insulator",
  17: "Bridge",
  18: "Noise, high",
  19: "Overhead structure",
  20: "Last return, not ground",
  21: "Building, synthetic",
  22: "Temporarily excluded",
  24: "Cellar",
  26: "Ground, synthetic",
};

/** The colour of a class, as `#rrggbb`. */
export function classColor(code: number): string {
  return COLORS[code] ?? OTHERS[code % OTHERS.length] ?? OTHERS[0];
}

/** What a class is called: in German as the schema has it. */
export function className({ code, name }: Pick<PointClass, "code" | "name">, language: Language): string {
  return language === "de" ? name : (ENGLISH[code] ?? `Class ${code}`);
}

/** For each of the 256 codes red, green, blue (sRGB) and 255, or 0 where the class is hidden. */
export function palette(hidden: ReadonlySet<number>): Uint8Array {
  const found = new Uint8Array(4 * 256);
  for (let code = 0; code < 256; code += 1) {
    const rgb = Number.parseInt(classColor(code).slice(1), 16);
    found.set([rgb >> 16, (rgb >> 8) & 255, rgb & 255, hidden.has(code) ? 0 : 255], 4 * code);
  }
  return found;
}

/** How strongly intensities are bent: scanners use a few hundred of 65,536 steps, and reflectors the rest. */
export function intensityBend({ min, max }: { readonly min: number; readonly max: number }): number {
  return Math.max((max - min) / 255, 1);
}

/** The intensity that is drawn at a share (0 to 1) of the way from dark to bright; the shader's stretch, backwards. */
export function intensityAt(share: number, range: { readonly min: number; readonly max: number }): number {
  const bend = intensityBend(range);
  return range.min + ((range.max - range.min) * ((1 + bend) ** share - 1)) / bend;
}

/** Colours by metres above ground, from light to dark; what is between two goes over from one to the other. */
export const HEIGHT_COLORS: readonly { readonly metres: number; readonly color: string }[] = [
  { metres: 0, color: "#d9cfbd" },
  { metres: 2, color: "#b3bd8c" },
  { metres: 6, color: "#74a287" },
  { metres: 15, color: "#467794" },
  { metres: 30, color: "#463a6e" },
];

/** The colour of points whose height above ground is not known. */
export const NO_HEIGHT_COLOR = "#9e9990";

/** Red, green and blue of `#rrggbb`, 0 to 1. */
export function channels(color: string): readonly [number, number, number] {
  const rgb = Number.parseInt(color.slice(1), 16);
  return [(rgb >> 16) / 255, ((rgb >> 8) & 255) / 255, (rgb & 255) / 255];
}

/** `1 von 3`: which of its pulse's echoes a point is. */
export const ECHO: Text = { de: "{number} von {all}", en: "{number} of {all}" };
