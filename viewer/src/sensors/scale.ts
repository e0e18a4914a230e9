/** Axes of a chart. */

import type { Level, Point } from "./protocol";

export interface Scale {
  readonly low: number;
  readonly high: number;
  readonly ticks: readonly number[];
  /** Decimals that tell the ticks apart. */
  readonly digits: number;
}

const STEPS = [1, 2, 5, 10];
const HOUR = 3_600_000;

/**
 * An axis that holds all values and, where the property has levels, the limits of the best one: whether a room was
 * well aired is seen at once, and a quiet day does not fill the height with noise.
 */
export function scale(values: readonly number[], levels: readonly Level[]): Scale {
  const reach = [...values, ...around(levels)];
  const [least, most] = reach.length > 0 ? [Math.min(...reach), Math.max(...reach)] : [0, 1];
  const span = Math.max(most - least, Math.abs(most) * 0.02, 0.1);
  const rough = span / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = (STEPS.find((candidate) => candidate * power >= rough) ?? 10) * power;
  const low = Math.floor((least - span * 0.02) / step) * step;
  const high = Math.ceil((most + span * 0.02) / step) * step;
  const count = Math.round((high - low) / step);
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  return {
    // Quantities that cannot be negative have no negative axis.
    low: least >= 0 ? Math.max(low, 0) : low,
    high,
    ticks: Array.from({ length: count + 1 }, (_, index) => Number((low + index * step).toFixed(digits))).filter(
      (tick) => least < 0 || tick >= 0,
    ),
    digits,
  };
}

/** Where the best level ends, with some of what is beyond. */
function around(levels: readonly Level[]): readonly number[] {
  const best = levels.findIndex(({ rank }) => rank === 0);
  const [from, to] = [levels[best]?.from ?? null, levels[best + 1]?.from ?? null];
  if (best < 0 || (from === null && to === null)) return [];
  if (from === null || to === null) {
    const limit = from ?? to ?? 0;
    const span = Math.abs(limit) || 1;
    return from === null ? [limit - 0.6 * span, limit + 0.2 * span] : [limit - 0.2 * span, limit + 0.6 * span];
  }
  return [from - 0.2 * (to - from), to + 0.2 * (to - from)];
}

/** Hours to write below a stretch of time: every fourth of the day, 0, 4, 8 …, by the hour that `hourOf` tells. */
export function ticks(
  from: number,
  to: number,
  hourOf: (instant: number) => number,
): readonly { readonly time: number; readonly text: string }[] {
  const found: { time: number; text: string }[] = [];
  for (let time = Math.ceil(from / HOUR) * HOUR; time <= to; time += HOUR) {
    const hour = hourOf(time);
    // Away from the ends, where the figure would be cut off.
    if (hour % 4 === 0 && time - from > HOUR * 0.4 && to - time > HOUR * 0.4) found.push({ time, text: String(hour) });
  }
  return found;
}

/** The stretches between gaps: where no value came for longer than `gap`, or one means nothing, the line ends. */
export function segments(
  points: readonly Point[],
  gap: number,
): readonly (readonly { readonly time: number; readonly value: number }[])[] {
  const runs: { time: number; value: number }[][] = [];
  let before: number | null = null;
  for (const { time, value } of points) {
    if (value === null) {
      before = null;
      continue;
    }
    const run = before !== null && time - before <= gap ? runs[runs.length - 1] : undefined;
    if (run) run.push({ time, value });
    else runs.push([{ time, value }]);
    before = time;
  }
  return runs;
}
