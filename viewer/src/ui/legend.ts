import type { Text, Words } from "../twin/words";
import { el } from "./dom";

/** One entry of a legend: `look` names the swatch's class in `page.css`. */
export interface Swatch {
  readonly look: string;
  readonly text: Text;
}

/** What the colours of a layer mean. */
export function legend(words: Words, swatches: readonly Swatch[]): readonly Node[] {
  const entries = swatches.map(({ look, text }) =>
    el("li", {}, el("span", { class: `swatch ${look}`, "aria-hidden": "true" }), words.in(text)),
  );
  return [el("h3", { text: words.say("legend") }), el("ul", { class: "legend" }, ...entries)];
}
