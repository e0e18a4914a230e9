import { type CivilTime, formatCivil, parseCivil } from "./civil_time";

/** What a link carries, so that whoever opens it sees the same. */
export interface Link {
  readonly choice: LinkedChoice | null;
  readonly camera: CameraPlace | null;
  readonly time: CivilTime | null;
  readonly language: "de" | "en" | null;
  /** Better pictures than the renderer would choose, or plainer ones; null lets it choose. */
  readonly quality: "high" | "sparing" | null;
  /** What visitors have set, by parameter: `gelaende=globus`. */
  readonly settings: ReadonlyMap<string, string>;
}

/** A parameter and the values that it may have, of which the first is meant where it is absent. */
export interface LinkedSetting {
  readonly parameter: string;
  readonly values: readonly { readonly value: string }[];
  /** What further values look like. */
  readonly pattern?: RegExp;
}

/** What is chosen: `gebaeude=DENW…`. */
export interface LinkedChoice {
  readonly parameter: string;
  readonly id: string;
}

export interface CameraPlace {
  /** Degrees. */
  readonly longitude: number;
  readonly latitude: number;
  /** Ellipsoidal metres. */
  readonly height: number;
  /** Degrees clockwise from north; degrees, negative looks down. */
  readonly heading: number;
  readonly pitch: number;
}

// An id goes into a URL path and onto the page: letters, digits and the few signs that gml:id knows, and not a book.
const FEATURE_ID = /^[\p{L}\p{N}_][\p{L}\p{N}_.:-]{0,127}$/u;

const QUALITY = { high: "hoch", sparing: "sparsam" } as const;

function quality(value: string | null): Link["quality"] {
  return value === QUALITY.high ? "high" : value === QUALITY.sparing ? "sparing" : null;
}

function parseCamera(value: string | null): CameraPlace | null {
  const numbers = (value ?? "").split(",").map((entry) => (entry.trim() === "" ? Number.NaN : Number(entry)));
  if (numbers.length !== 5 || !numbers.every(Number.isFinite)) return null;
  const [longitude, latitude, height, heading, pitch] = numbers as [number, number, number, number, number];
  const possible =
    Math.abs(longitude) <= 180 && Math.abs(latitude) <= 90 && height > -500 && height < 1e7 && Math.abs(pitch) <= 90;
  return possible ? { longitude, latitude, height, heading, pitch } : null;
}

/**
 * What the query of a URL asks for; parts that make no sense are as if absent.
 *
 * @param choices the names under which a link may say what is chosen; the first that is there counts.
 * @param settings what else a link may say.
 */
export function parseLink(query: string, choices: readonly string[], settings: readonly LinkedSetting[]): Link {
  const parameters = new URLSearchParams(query);
  const [choice] = choices.flatMap((parameter) => {
    const id = parameters.get(parameter)?.trim();
    return id ? { parameter, id } : [];
  });
  const language = parameters.get("sprache");
  return {
    choice: choice ?? null,
    camera: parseCamera(parameters.get("kamera")),
    time: parseCivil(parameters.get("zeit") ?? ""),
    language: language === "de" || language === "en" ? language : null,
    quality: quality(parameters.get("qualitaet")),
    settings: new Map(
      settings.flatMap(({ parameter, values, pattern }) => {
        const value = parameters.get(parameter);
        if (value === null || value === values[0]?.value) return [];
        const isOne = values.some((possible) => possible.value === value) || pattern?.test(value);
        return isOne ? [[parameter, value] as const] : [];
      }),
    ),
  };
}

/** Whether a text can be the id of a feature at all. */
export function isFeatureId(value: string): boolean {
  return FEATURE_ID.test(value);
}

/** The query (with `?`, or empty) that {@link parseLink} reads back. */
export function formatLink(link: Link): string {
  const entries: string[] = [];
  if (link.choice) entries.push(`${link.choice.parameter}=${encodeURIComponent(link.choice.id)}`);
  if (link.camera) {
    const { longitude, latitude, height, heading, pitch } = link.camera;
    const numbers = [
      longitude.toFixed(6),
      latitude.toFixed(6),
      height.toFixed(1),
      heading.toFixed(1),
      pitch.toFixed(1),
    ];
    entries.push(`kamera=${numbers.join(",")}`);
  }
  if (link.time) entries.push(`zeit=${formatCivil(link.time)}`);
  if (link.language) entries.push(`sprache=${link.language}`);
  if (link.quality) entries.push(`qualitaet=${QUALITY[link.quality]}`);
  for (const [parameter, value] of link.settings) entries.push(`${parameter}=${encodeURIComponent(value)}`);
  return entries.length === 0 ? "" : `?${entries.join("&")}`;
}
