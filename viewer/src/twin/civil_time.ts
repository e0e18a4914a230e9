/** Legal time in Germany, whatever the clock of the visitor's computer is set to. */

const ZONE = "Europe/Berlin";

export interface CivilTime {
  /** `2026-11-21` */
  readonly date: string;
  /** Minutes since midnight, 0 to 1439. */
  readonly minutes: number;
}

const parts = new Intl.DateTimeFormat("en-GB", {
  timeZone: ZONE,
  year: "numeric",
  month: "2-digit",
  day: "2-digit",
  hour: "2-digit",
  minute: "2-digit",
  hourCycle: "h23",
});

/** German legal date and time of an instant. */
export function civilTime(instant: Date): CivilTime {
  const found: Record<string, string> = {};
  for (const part of parts.formatToParts(instant)) found[part.type] = part.value;
  return {
    date: `${found.year}-${found.month}-${found.day}`,
    minutes: Number(found.hour) * 60 + Number(found.minute),
  };
}

/**
 * The instant of a German legal date and time, or null where the text is no date. An hour that the change to summer
 * time leaves out gives the same hour counted on; of an hour that happens twice the first is taken.
 */
export function instantOf({ date, minutes }: CivilTime): Date | null {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(date);
  if (!match) return null;
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])];
  const wall = Date.UTC(year, month - 1, day, 0, minutes);
  const calendar = new Date(Date.UTC(year, month - 1, day));
  if (calendar.getUTCMonth() !== month - 1 || calendar.getUTCDate() !== day) return null;
  for (const offset of [120, 60]) {
    const guess = new Date(wall - offset * 60_000);
    const civil = civilTime(guess);
    if (civil.date === date && civil.minutes === minutes) return guess;
  }
  return new Date(wall - 60 * 60_000);
}

/** `2026-11-21T14:05` as in a link, and back. */
export function formatCivil({ date, minutes }: CivilTime): string {
  return `${date}T${clock(minutes)}`;
}

export function parseCivil(value: string): CivilTime | null {
  const match = /^(\d{4}-\d{2}-\d{2})T(\d{2}):(\d{2})$/.exec(value);
  if (!match) return null;
  const minutes = Number(match[2]) * 60 + Number(match[3]);
  const civil = { date: match[1] ?? "", minutes };
  return Number(match[2]) < 24 && Number(match[3]) < 60 && instantOf(civil) ? civil : null;
}

/** `14:05` */
export function clock(minutes: number): string {
  return `${String(Math.floor(minutes / 60)).padStart(2, "0")}:${String(minutes % 60).padStart(2, "0")}`;
}
