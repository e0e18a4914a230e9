/** Messages as the server writes them. */

export const NOW = Date.parse("2026-11-20T08:15:00Z");
export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;

export function iso(instant: number): string {
  return new Date(instant).toISOString();
}

export interface Told {
  readonly id?: string;
  readonly site?: string;
  readonly room?: string;
  readonly co2?: number | null;
  readonly age?: number;
  readonly more?: Readonly<Record<string, unknown>>;
}

function recency(age: number): Record<string, string> {
  const seen = NOW - age;
  return {
    state: "fresh",
    last_seen: iso(seen),
    late_from: iso(seen + 20 * MINUTE),
    stale_from: iso(seen + 40 * MINUTE),
    silent_from: iso(seen + 120 * MINUTE),
  };
}

export function value(co2: number, age = 0): Record<string, unknown> {
  return { time: iso(NOW - age), value: co2, level: co2 < 1000 ? 0 : co2 < 2000 ? 1 : 2 };
}

export function thing({ id = "1", site = "S01", room = "204", co2 = 500, age = 0, more = {} }: Told = {}): unknown {
  return {
    id,
    name: `Sensor ${id}`,
    site,
    site_name: `Schule ${site}`,
    building: "",
    storey: "1. Obergeschoss",
    room,
    municipality: "Neuss",
    is_test: false,
    is_synthetic: false,
    expected_interval: 600,
    longitude: 6.6,
    latitude: 51.1,
    height: 90,
    ...recency(age),
    latest: co2 === null ? {} : { co2: value(co2, age) },
    ...more,
  };
}

export function alert(id: string, more: Readonly<Record<string, unknown>> = {}): unknown {
  return {
    id,
    thing: "1",
    site: "S01",
    site_name: "Schule S01",
    room: "204",
    rule: "co2",
    kind: "level",
    level: "lüften",
    rank: 0,
    property: "co2",
    text: "Raum 204 (Schule S01): CO2 1.240 ppm, bitte lüften.",
    value: 1240,
    peak: 1240,
    opened: iso(NOW),
    acknowledged: null,
    closed: null,
    ...more,
  };
}

export const PROPERTIES = {
  co2: {
    name: { de: "CO2", en: "CO2" },
    unit: "ppm",
    digits: 0,
    levels: [
      { from: null, name: "gut", rank: 0 },
      { from: 1000, name: "lüften", rank: 1 },
      { from: 2000, name: "dringend lüften", rank: 2 },
    ],
  },
  temperature: { name: { de: "Temperatur", en: "Temperature" }, unit: "°C", digits: 1, levels: [] },
  battery: { name: { de: "Batterie", en: "Battery" }, unit: "%", digits: 0, levels: [] },
};

export function snapshot(things: readonly unknown[], alerts: readonly unknown[] = [], time = NOW): string {
  return JSON.stringify({ type: "snapshot", id: "1.v", time: iso(time), properties: PROPERTIES, things, alerts });
}

export function changes(things: readonly unknown[], alerts: readonly unknown[] = [], time = NOW): string {
  return JSON.stringify({ type: "changes", id: "2.v", time: iso(time), things, alerts });
}

export function change(id: string, co2: number, age = 0): unknown {
  return { id, ...recency(age), latest: { co2: value(co2, age) } };
}
