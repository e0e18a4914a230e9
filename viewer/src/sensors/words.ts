/** Every word about sensors, German first. */

import type { Text, Words } from "../twin/words";
import { recencyAt } from "./book";
import { type Condition, figure, levelShape, measured, type Shape } from "./condition";
import type { Line } from "./feed";
import type { Level, Property, Thing } from "./protocol";

const text = (de: string, en: string): Text => ({ de, en });

export const SENSOR_WORDS = {
  airInSchools: text("Luft in den Schulen", "Air in the schools"),
  measured: text("Messwerte", "Sensor readings"),
  legend: text("So lesen Sie die Zeichen", "How to read the signs"),
  alerts: text("Meldungen", "Alerts"),
  noAlerts: text("Zurzeit gibt es keine Meldungen.", "There are no alerts at present."),
  overAlerts: text("Beendet in den letzten 24 Stunden ({count})", "Ended in the last 24 hours ({count})"),
  since: text("seit {time}", "since {time}"),
  fromTo: text("{from} bis {to}", "{from} to {to}"),
  acknowledge: text("Bestätigen", "Acknowledge"),
  acknowledged: text("bestätigt, {time}", "acknowledged, {time}"),
  acknowledgedBy: text("bestätigt von {name}, {time}", "acknowledged by {name}, {time}"),
  closeAlert: text("Beenden", "Close"),
  actFailed: text(
    "Die Meldung konnte nicht geändert werden. Bitte versuchen Sie es erneut.",
    "The alert could not be changed. Please try again.",
  ),
  sites: text("Nach Standort", "By site"),
  search: text("Standort oder Raum suchen", "Search for a site or room"),
  notableOnly: text("Nur auffällige", "Only those to look after"),
  foundCount: text("{count} von {all} Sensoren", "{count} of {all} sensors"),
  noSite: text("Ohne Standort", "No site"),
  siteCount: text("{count} Sensoren", "{count} sensors"),
  siteCountOne: text("1 Sensor", "1 sensor"),
  empty: text("Hier gibt es noch keine Sensoren.", "There are no sensors here yet."),
  waitingFirst: text("Die Messwerte werden geladen.", "The readings are being loaded."),
  room: text("Raum {room}", "Room {room}"),
  roomLabel: text("Raum", "Room"),
  storey: text("Geschoss", "Storey"),
  site: text("Standort", "Site"),
  municipality: text("Gemeinde", "Municipality"),
  name: text("Sensor", "Sensor"),
  otherValues: text("Weitere Messwerte", "Other readings"),
  about: text("Zum Sensor", "About the sensor"),
  lastDay: text("Die letzten 24 Stunden", "The last 24 hours"),
  lastDayIn: text("{name} in {unit}, die letzten 24 Stunden", "{name} in {unit}, the last 24 hours"),
  hour: text("{hour} Uhr", "{hour}:00"),
  chart: text("Diagramm", "Chart"),
  table: text("Tabelle", "Table"),
  chartLabel: text(
    "{name} der letzten 24 Stunden. Niedrigster Wert {low}, höchster {high}, zuletzt {last}. Pfeiltasten lesen einzelne Werte vor.",
    "{name} over the last 24 hours. Lowest value {low}, highest {high}, most recent {last}. Arrow keys read out single values.",
  ),
  chartEmpty: text("In den letzten 24 Stunden kam kein Messwert.", "No reading arrived in the last 24 hours."),
  chartFailed: text("Der Verlauf konnte nicht geladen werden.", "The history could not be loaded."),
  chartLoading: text("Der Verlauf wird geladen.", "The history is being loaded."),
  again: text("Erneut versuchen", "Try again"),
  timeColumn: text("Uhrzeit", "Time"),
  levelColumn: text("Bedeutung", "Meaning"),
  implausibleNote: text("unplausibel", "implausible"),
  noValue: text("kein Messwert", "no reading"),
  never: text("noch kein Messwert", "no reading yet"),
  synthetic: text("Beispielwerte, nicht gemessen", "Sample values, not measured"),
  unknown: text("Der Sensor {id} ist hier nicht bekannt.", "Sensor {id} is not known here."),
  noPlace: text("Der Ort dieses Sensors ist nicht eingetragen.", "The place of this sensor is not registered."),
  live: text("Live: Messwerte erscheinen sofort.", "Live: readings appear at once."),
  connecting: text("Verbindung wird aufgebaut.", "Connecting."),
  reconnecting: text(
    "Verbindung unterbrochen. Letzter Stand: {time}. Wir verbinden neu.",
    "Connection lost. Data as of {time}. Reconnecting.",
  ),
  unreachable: text(
    "Der Server antwortet nicht. Wir versuchen es weiter.",
    "The server does not answer. We keep trying.",
  ),
  offline: text("Sie sind offline. Letzter Stand: {time}.", "You are offline. Data as of {time}."),
  delayed: text(
    "Der Server bekommt zurzeit keine neuen Messwerte. Letzter Stand: {time}.",
    "The server cannot read new values at present. Data as of {time}.",
  ),
  clusterWord: text("{count} von {all}: {word}", "{count} of {all}: {word}"),
  allOf: text("{count} Sensoren, alle: {word}", "{count} sensors, all: {word}"),
  allWord: text("alle: {word}", "all: {word}"),
  moreAlerts: text("Weitere Meldungen ({count})", "More alerts ({count})"),
  selected: text("Ausgewählt: {name}", "Selected: {name}"),
  showMarkers: text("Zeichen in der 3D-Ansicht", "Signs in the 3D view"),
} as const satisfies Record<string, Text>;

const SHAPES: Record<Shape, Text> = {
  good: text("gut", "good"),
  raised: text("lüften", "ventilate"),
  high: text("dringend lüften", "ventilate now"),
  plain: text("Messwert", "reading"),
  silent: text("keine Daten", "no data"),
  implausible: text("unplausibel", "implausible"),
  test: text("Testbetrieb", "in test"),
};

const LATE = text("verspätet", "late");
const STALE = text("veraltet", "out of date");
const SILENT_MINUTES = text("keine Daten seit {count}\u00a0Min.", "no data for {count}\u00a0min");
const SILENT_HOURS = text("keine Daten seit {count}\u00a0Std.", "no data for {count}\u00a0h");
const SILENT_DAYS = text("keine Daten seit {count} Tagen", "no data for {count} days");
const NEVER = text("noch keine Daten", "no data yet");

const BELOW = text("unter {to}", "below {to}");
const BETWEEN = text("{from} bis unter {to}", "{from} to below {to}");
const ABOVE = text("ab {from}", "{from} and more");

export interface Meaning {
  readonly shape: Shape;
  readonly isOld: boolean;
  readonly text: string;
}

const OTHER_MEANINGS: readonly { readonly shape: Shape; readonly isOld: boolean; readonly text: Text }[] = [
  { shape: "plain", isOld: false, text: text("Messwert ohne Bewertung", "reading without a verdict") },
  { shape: "good", isOld: true, text: text("gestrichelt: verspätet oder veraltet", "dashed: late or out of date") },
  { shape: "silent", isOld: false, text: text("keine Daten", "no data") },
  { shape: "implausible", isOld: false, text: text("unplausibler Messwert", "implausible reading") },
  { shape: "test", isOld: false, text: text("Sensor im Testbetrieb", "sensor in test") },
];

/** What each sign means, for the legend: the levels as the server tells them, then what no level is in. */
export function meanings(properties: Iterable<Property>, words: Words): readonly Meaning[] {
  const levels = [...properties].flatMap((property) =>
    property.levels.map((level, index) => ({
      shape: levelShape(level.rank),
      isOld: false,
      text: `${levelWord(level, words)}: ${words.in(property.name)} ${range(property, index, words)}`,
    })),
  );
  return [...levels, ...OTHER_MEANINGS.map((meaning) => ({ ...meaning, text: words.in(meaning.text) }))];
}

/** `unter 1.000 ppm`, `1.000 bis unter 2.000 ppm`, `ab 2.000 ppm` */
function range(property: Property, index: number, words: Words): string {
  const { language } = words;
  const from = property.levels[index]?.from ?? null;
  const to = property.levels[index + 1]?.from ?? null;
  if (from === null) return to === null ? "" : words.in(BELOW, { to: measured(to, property, language) });
  if (to === null) return words.in(ABOVE, { from: measured(from, property, language) });
  return words.in(BETWEEN, { from: figure(from, property, language), to: measured(to, property, language) });
}

/** The word of a level: what the server says is German, and said in English where we know it. */
export function levelWord({ name }: Level, words: Words): string {
  const known = [SHAPES.good, SHAPES.raised, SHAPES.high].find(({ de }) => de === name);
  return words.language === "de" || !known ? name : words.in(known);
}

/** The word of a state that several sensors may share: `lüften`, `gut, verspätet`; empty where there is no verdict. */
export function stateWord({ shape, recency, level }: Condition, words: Words): string {
  const verdict = level ? levelWord(level, words) : shape === "plain" ? "" : words.in(SHAPES[shape]);
  if (shape === "test" || (recency !== "late" && recency !== "stale")) return verdict;
  return [verdict, words.in(recency === "late" ? LATE : STALE)].filter(Boolean).join(", ");
}

/** `lüften`, `gut, verspätet`, `keine Daten seit 3 Std.` */
export function conditionWord(condition: Condition, thing: Thing, now: number, words: Words): string {
  return condition.shape === "silent" ? silentWord(thing, now, words) : stateWord(condition, words);
}

function silentWord(thing: Thing, now: number, words: Words): string {
  if (thing.lastSeen === null || recencyAt(thing, now) === "never") return words.in(NEVER);
  if (recencyAt(thing, now) !== "silent") return words.in(SENSOR_WORDS.noValue);
  const minutes = Math.floor((now - thing.lastSeen) / 60_000);
  if (minutes < 60) return words.in(SILENT_MINUTES, { count: minutes });
  const hours = Math.floor(minutes / 60);
  return hours < 48
    ? words.in(SILENT_HOURS, { count: hours })
    : words.in(SILENT_DAYS, { count: Math.floor(hours / 24) });
}

/** `Raum 204`, or what else tells people where a sensor is. */
export function placeName(thing: Thing, words: Words): string {
  if (thing.room === "") return thing.name;
  // Rooms that are called something are not called "Raum Aula".
  return /^\d/.test(thing.room) ? words.in(SENSOR_WORDS.room, { room: thing.room }) : thing.room;
}

/** How the line stands, honestly. `asOf` is when the newest data is from, as people write it; null where none came. */
export function lineText(line: Line, isOnline: boolean, isCurrent: boolean, asOf: string | null, words: Words): string {
  if (line.kind === "live") {
    return isCurrent || asOf === null ? words.in(SENSOR_WORDS.live) : words.in(SENSOR_WORDS.delayed, { time: asOf });
  }
  if (asOf === null) return words.in(line.kind === "waiting" ? SENSOR_WORDS.unreachable : SENSOR_WORDS.connecting);
  return words.in(isOnline ? SENSOR_WORDS.reconnecting : SENSOR_WORDS.offline, { time: asOf });
}
