import type { Level, Value } from "./protocol";

/** Which level a value is in; -1 where there are none. */
export function levelOf(value: number, levels: readonly Level[]): number {
  return levels.findLastIndex(({ from }) => from === null || value >= from);
}

/** The level that the server says a value is in: it knows on which side of a limit the limit itself is. */
export function toldLevel({ value, level: rank }: Value, levels: readonly Level[]): Level | null {
  if (rank === null) return null;
  const index = levelOf(value, levels);
  return [index, index - 1].flatMap((at) => levels[at] ?? []).find((level) => level.rank === rank) ?? null;
}
