/** What a sensor says, in shape, word and number. */

import { formatNumber } from "../twin/format";
import type { Language } from "../twin/words";
import { recencyAt } from "./book";
import { toldLevel } from "./levels";
import type { Level, Property, Thing, Value } from "./protocol";

/** How a marker looks; each has a shape of its own. */
export type Shape = "good" | "raised" | "high" | "plain" | "silent" | "implausible" | "test";

export interface Condition {
  readonly shape: Shape;
  /** Older than it should be: the outline is dashed. */
  readonly isOld: boolean;
  readonly recency: "fresh" | "late" | "stale" | "silent" | "never";
  /** What the marker is about; null where nothing was measured yet. */
  readonly property: Property | null;
  readonly value: Value | null;
  /** What the value means; null where it means nothing, or nobody has said what. */
  readonly level: Level | null;
  /** The greater, the more it wants to be seen. */
  readonly severity: number;
}

const BY_RANK: readonly Shape[] = ["good", "raised", "high"];
const SEVERITY: Record<Shape, number> = {
  high: 60,
  raised: 50,
  silent: 40,
  implausible: 30,
  good: 10,
  plain: 10,
  test: 0,
};
/** Said of the device, not of the room. */
const ABOUT_DEVICE = new Set(["battery", "battery_voltage"]);

/** The property that a sensor is there for: the first that it measures, in the order in which people want to read them. */
export function mainProperty(thing: Thing, properties: ReadonlyMap<string, Property>): Property | null {
  for (const property of properties.values()) {
    if (thing.latest.has(property.key) && !ABOUT_DEVICE.has(property.key)) return property;
  }
  return null;
}

export function conditionOf(thing: Thing, properties: ReadonlyMap<string, Property>, now: number): Condition {
  const property = mainProperty(thing, properties);
  const value = (property && thing.latest.get(property.key)) ?? null;
  const recency = recencyAt(thing, now);
  const isOld = recency === "late" || recency === "stale";
  const shape = shapeOf(thing, value, recency);
  const isJudged = shape === "good" || shape === "raised" || shape === "high";
  const level = isJudged && property && value ? toldLevel(value, levelsAt(thing, property)) : null;
  const severity = SEVERITY[shape] + (recency === "stale" ? 6 : isOld ? 5 : 0);
  return { shape, isOld, recency, property, value, level, severity };
}

/** What values of a property mean at a sensor's place. */
function levelsAt(thing: Thing, property: Property): readonly Level[] {
  return thing.levels.get(property.key) ?? property.levels;
}

/** The shape of a level, by its rank. */
export function levelShape(rank: number): Shape {
  return BY_RANK[rank] ?? "high";
}

function shapeOf(thing: Thing, value: Value | null, recency: Condition["recency"]): Shape {
  if (thing.isTest) return "test";
  if (recency === "silent" || recency === "never" || !value) return "silent";
  if (value.isImplausible) return "implausible";
  return value.level === null ? "plain" : levelShape(value.level);
}

/** `1.240 ppm`, number and unit never apart. */
export function measured(value: number, property: Property, language: Language): string {
  const number = figure(value, property, language);
  return property.unit === "" ? number : `${number}\u00a0${property.unit}`;
}

/** `1.240` */
export function figure(value: number, property: Property, language: Language): string {
  return formatNumber(value, property.digits ?? decimals(value), language);
}

function decimals(value: number): number {
  return Number.isInteger(value) ? 0 : Math.abs(value) < 10 ? 2 : 1;
}
