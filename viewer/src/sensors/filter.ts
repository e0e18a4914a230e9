/** Which sensors of the list somebody wants to see. */

import type { Condition } from "./condition";

export interface Wish {
  /** Words, each of which is in the name of the site, of the room or of the sensor. */
  readonly text: string;
  /** Only those that want to be looked after. */
  readonly isNotableOnly: boolean;
}

/** A text as it is compared: without case and accents, so that `forderschule` finds `Förderschule`. */
export function folded(text: string): string {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toLocaleLowerCase("de").replaceAll("ß", "ss").trim();
}

/** Whether a sensor is wished for; `names` is the folded text of its names. */
export function isWished({ text, isNotableOnly }: Wish, names: string, condition: Condition): boolean {
  if (isNotableOnly && !isNotable(condition)) return false;
  return folded(text)
    .split(/\s+/)
    .every((word) => names.includes(word));
}

function isNotable({ shape, isOld }: Condition): boolean {
  return isOld || (shape !== "good" && shape !== "plain" && shape !== "test");
}
