/** Times as people say them: "vor 3 Minuten, 14:05 Uhr". German legal time, whatever clock the visitor has. */

import { civilTime, clock } from "../twin/civil_time";
import { formatDate } from "../twin/format";
import type { Text, Words } from "../twin/words";

const JUST_NOW: Text = { de: "gerade eben", en: "just now" };
const YESTERDAY: Text = { de: "gestern", en: "yesterday" };
const UNITS: readonly { readonly ms: number; readonly one: Text; readonly many: Text }[] = [
  {
    ms: 86_400_000,
    one: { de: "vor 1 Tag", en: "1 day ago" },
    many: { de: "vor {n} Tagen", en: "{n} days ago" },
  },
  {
    ms: 3_600_000,
    one: { de: "vor 1 Stunde", en: "1 hour ago" },
    many: { de: "vor {n} Stunden", en: "{n} hours ago" },
  },
  {
    ms: 60_000,
    one: { de: "vor 1 Minute", en: "1 minute ago" },
    many: { de: "vor {n} Minuten", en: "{n} minutes ago" },
  },
];

/** `vor 3 Minuten` */
export function ago(instant: number, now: number, words: Words): string {
  const age = now - instant;
  const unit = UNITS.find(({ ms }) => age >= ms);
  if (!unit) return words.in(JUST_NOW);
  const n = Math.floor(age / unit.ms);
  return n === 1 ? words.in(unit.one) : words.in(unit.many, { n });
}

/** `14:05 Uhr`; with `gestern` or the day before it where that is another one than `now`'s. */
export function at(instant: number, now: number, words: Words): string {
  const { date, minutes } = civilTime(new Date(instant));
  const time = words.say("oClock", { clock: clock(minutes) });
  if (date === civilTime(new Date(now)).date) return time;
  if (date === civilTime(new Date(now - 86_400_000)).date) return `${words.in(YESTERDAY)}, ${time}`;
  return `${formatDate(date, words.language)}, ${time}`;
}

/** `vor 3 Minuten, 14:05 Uhr` */
export function agoAt(instant: number, now: number, words: Words): string {
  return `${ago(instant, now, words)}, ${at(instant, now, words)}`;
}
