import type { Level } from "./protocol";

/** Which level a value is in; -1 where there are none. */
export function levelOf(value: number, levels: readonly Level[]): number {
  return levels.findLastIndex(({ from }) => from === null || value >= from);
}
