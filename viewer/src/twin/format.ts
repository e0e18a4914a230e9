import type { Language } from "./words";

const LOCALE: Record<Language, string> = { de: "de-DE", en: "en-GB" };

/** `1.240` or `12,4`: a number with exactly `digits` decimals. */
export function formatNumber(value: number, digits: number, language: Language): string {
  return new Intl.NumberFormat(LOCALE[language], {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
    signDisplay: "negative", // no minus before a rounded zero
  }).format(value);
}

/** `12,4 m`, number and unit never apart on two lines. */
export function formatMetres(value: number, digits: number, language: Language): string {
  return `${formatNumber(value, digits, language)}\u00a0m`;
}

/** `1.240,5 kWh`: a number with the decimals that it has, at most three, and its unit if it has one. */
export function formatMeasure(value: number, unit: string, language: Language): string {
  const number = new Intl.NumberFormat(LOCALE[language], {
    maximumFractionDigits: 3,
    signDisplay: "negative",
  }).format(value);
  return unit === "" ? number : `${number}\u00a0${unit}`;
}

/** `21.11.2026` for `2026-11-21` (with or without a time behind it); any other text as it is. */
export function formatDate(value: string, language: Language): string {
  const match = /^(\d{4})-(\d{2})-(\d{2})(?:$|T)/.exec(value);
  if (!match) return value;
  const [, year, month, day] = match;
  return language === "de" ? `${day}.${month}.${year}` : `${day}/${month}/${year}`;
}

/** `2026-11-21` for a day as people write it (`21.11.2026`, `1.2.2026`, `21/11/2026`, `2026-11-21`); null for anything else. */
export function parseDay(text: string): string | null {
  const written = /^\s*(\d{1,2})[./](\d{1,2})[./](\d{4})\s*$/.exec(text);
  const [year, month, day] = written
    ? [written[3], written[2], written[1]]
    : (/^\s*(\d{4})-(\d{2})-(\d{2})\s*$/.exec(text)?.slice(1) ?? []);
  if (!year || !month || !day) return null;
  const date = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)));
  const exists = date.getUTCMonth() === Number(month) - 1 && date.getUTCDate() === Number(day);
  return exists ? date.toISOString().slice(0, 10) : null;
}
