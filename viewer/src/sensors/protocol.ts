/** What the server tells of sensors (docs/developers/live.md), checked once and typed from there on. */

import { DescriptionError } from "../twin/description";
import type { Text } from "../twin/words";

/** A newest value. Times are milliseconds since 1970. */
export interface Value {
  readonly time: number;
  readonly value: number;
  readonly isImplausible: boolean;
  /** Rank of the level that the value is in, 0 the best; null where there are no levels, or the value means nothing. */
  readonly level: number | null;
}

export interface Recency {
  readonly lastSeen: number | null;
  readonly lateFrom: number | null;
  readonly staleFrom: number | null;
  readonly silentFrom: number | null;
}

export interface Thing extends Recency {
  readonly id: string;
  readonly name: string;
  readonly site: string;
  readonly siteName: string;
  readonly storey: string;
  readonly room: string;
  readonly municipality: string;
  readonly isTest: boolean;
  readonly isSynthetic: boolean;
  /** Degrees and ellipsoidal metres; null where the registry tells no place, or no height. */
  readonly longitude: number | null;
  readonly latitude: number | null;
  readonly height: number | null;
  /** By property. */
  readonly latest: ReadonlyMap<string, Value>;
  /** By property, where the rules of this place are others than those of the property. */
  readonly levels: ReadonlyMap<string, readonly Level[]>;
}

/** A range of values and what they mean; ranges stand in rising order. */
export interface Level {
  /** The level begins with this value; null for the first. */
  readonly from: number | null;
  /** German. */
  readonly name: string;
  /** 0 is the best; where both cold and heat are bad, ranks fall and rise again. */
  readonly rank: number;
}

export interface Property {
  readonly key: string;
  readonly name: Text;
  readonly unit: string;
  /** Decimals worth showing; null where that is not known. */
  readonly digits: number | null;
  readonly levels: readonly Level[];
}

export interface Alert {
  readonly id: string;
  readonly thing: string;
  readonly isSilence: boolean;
  readonly rank: number;
  readonly text: string;
  readonly opened: number;
  readonly acknowledged: number | null;
  /** Absent where the visitor may not know. */
  readonly acknowledgedBy: string | null;
  readonly closed: number | null;
}

/** What has changed of a thing. */
export interface Change extends Recency {
  readonly id: string;
  readonly latest: ReadonlyMap<string, Value>;
}

interface Told {
  /** Where to go on from after an interruption. */
  readonly id: string;
  /** The server's clock. */
  readonly time: number;
}

export interface Snapshot extends Told {
  readonly type: "snapshot";
  readonly properties: readonly Property[];
  readonly things: readonly Thing[];
  readonly alerts: readonly Alert[];
}

export interface Changes extends Told {
  readonly type: "changes";
  readonly things: readonly Change[];
  readonly alerts: readonly Alert[];
}

export interface Heartbeat extends Told {
  readonly type: "heartbeat";
  /** False where the server has lost its database, and what it told may be old. */
  readonly isCurrent: boolean;
}

export type Message = Snapshot | Changes | Heartbeat;

/** Values over time, as a chart wants them. */
export interface Series {
  readonly property: Property;
  readonly isHourly: boolean;
  /** Milliseconds between two points from which on there is a gap between them. */
  readonly gap: number;
  readonly from: number;
  readonly to: number;
  readonly points: readonly Point[];
}

export interface Point {
  readonly time: number;
  /** Null for an implausible one. */
  readonly value: number | null;
}

type Json = Readonly<Record<string, unknown>>;

function object(value: unknown, where: string): Json {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new DescriptionError(`${where} is no object`);
  return value as Json;
}

function list(value: unknown, where: string): readonly unknown[] {
  if (!Array.isArray(value)) throw new DescriptionError(`${where} is no list`);
  return value;
}

function text(from: Json, key: string): string {
  const value = from[key];
  if (typeof value !== "string") throw new DescriptionError(`${key} is no text`);
  return value;
}

function number(from: Json, key: string): number {
  const value = from[key];
  if (typeof value !== "number" || !Number.isFinite(value)) throw new DescriptionError(`${key} is no number`);
  return value;
}

function maybeNumber(from: Json, key: string): number | null {
  return from[key] === null || from[key] === undefined ? null : number(from, key);
}

function time(from: Json, key: string): number {
  const instant = Date.parse(text(from, key));
  if (Number.isNaN(instant)) throw new DescriptionError(`${key} is no time`);
  return instant;
}

function maybeTime(from: Json, key: string): number | null {
  return from[key] === null || from[key] === undefined ? null : time(from, key);
}

function values(from: unknown): ReadonlyMap<string, Value> {
  return new Map(
    Object.entries(object(from, "latest")).map(([key, entry]) => {
      const told = object(entry, `latest.${key}`);
      const quality = told.quality === undefined ? [] : list(told.quality, "quality");
      const isImplausible = quality.includes("implausible");
      const value = { time: time(told, "time"), value: number(told, "value"), level: maybeNumber(told, "level") };
      return [key, { ...value, isImplausible }];
    }),
  );
}

function recency(from: Json): Recency {
  return {
    lastSeen: maybeTime(from, "last_seen"),
    lateFrom: maybeTime(from, "late_from"),
    staleFrom: maybeTime(from, "stale_from"),
    silentFrom: maybeTime(from, "silent_from"),
  };
}

function thing(entry: unknown): Thing {
  const from = object(entry, "thing");
  return {
    id: text(from, "id"),
    name: text(from, "name"),
    site: text(from, "site"),
    siteName: text(from, "site_name"),
    storey: text(from, "storey"),
    room: text(from, "room"),
    municipality: text(from, "municipality"),
    isTest: from.is_test === true,
    isSynthetic: from.is_synthetic === true,
    longitude: maybeNumber(from, "longitude"),
    latitude: maybeNumber(from, "latitude"),
    height: maybeNumber(from, "height"),
    ...recency(from),
    latest: values(from.latest),
    levels: new Map(
      Object.entries(object(from.levels ?? {}, "levels")).map(([key, entry]) => [key, levels(entry)] as const),
    ),
  };
}

function change(entry: unknown): Change {
  const from = object(entry, "thing");
  return { id: text(from, "id"), ...recency(from), latest: values(from.latest) };
}

function alert(entry: unknown): Alert {
  const from = object(entry, "alert");
  return {
    id: text(from, "id"),
    thing: text(from, "thing"),
    isSilence: from.kind === "silence",
    rank: number(from, "rank"),
    text: text(from, "text"),
    opened: time(from, "opened"),
    acknowledged: maybeTime(from, "acknowledged"),
    acknowledgedBy: typeof from.acknowledged_by === "string" ? from.acknowledged_by : null,
    closed: maybeTime(from, "closed"),
  };
}

function property(key: string, entry: unknown): Property {
  const from = object(entry, `properties.${key}`);
  const name = object(from.name, "name");
  return {
    key,
    name: { de: text(name, "de"), en: text(name, "en") },
    unit: text(from, "unit"),
    digits: maybeNumber(from, "digits"),
    levels: levels(from.levels),
  };
}

function levels(from: unknown): readonly Level[] {
  return list(from, "levels").map((entry) => {
    const level = object(entry, "level");
    return { from: maybeNumber(level, "from"), name: text(level, "name"), rank: number(level, "rank") };
  });
}

/** A message of `/live`; throws DescriptionError where it is none. One of a kind that is not known yet is null. */
export function parseMessage(data: string): Message | null {
  let parsed: unknown;
  try {
    parsed = JSON.parse(data);
  } catch {
    throw new DescriptionError("the message is no JSON");
  }
  const from = object(parsed, "message");
  const told = { id: text(from, "id"), time: time(from, "time") };
  switch (from.type) {
    case "snapshot":
      return {
        ...told,
        type: "snapshot",
        properties: Object.entries(object(from.properties, "properties")).map(([key, entry]) => property(key, entry)),
        things: list(from.things, "things").map(thing),
        alerts: list(from.alerts, "alerts").map(alert),
      };
    case "changes":
      return {
        ...told,
        type: "changes",
        things: list(from.things, "things").map(change),
        alerts: list(from.alerts, "alerts").map(alert),
      };
    case "heartbeat":
      return { ...told, type: "heartbeat", isCurrent: from.is_current !== false };
    default:
      return null;
  }
}

/** `/api/sensors/<id>/series`; throws DescriptionError where it is none. */
export function parseSeries(value: unknown): Series {
  const from = object(value, "series");
  const values = list(from.values, "values");
  return {
    property: property(text(from, "property"), from),
    isHourly: from.resolution === "hour",
    gap: number(from, "gap") * 1000,
    from: time(from, "from"),
    to: time(from, "to"),
    points: list(from.times, "times").map((time, index) => {
      if (typeof time !== "number") throw new DescriptionError("a time is no number");
      const value = values[index];
      return { time, value: typeof value === "number" ? value : null };
    }),
  };
}
