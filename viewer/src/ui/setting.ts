import type { Setting } from "../layers/kind";
import type { Words } from "../twin/words";
import { el } from "./dom";

/** One of a few values to choose from, all of them in sight. */
export function settingControl(
  words: Words,
  { parameter, title, values }: Setting,
  current: string,
  set: (value: string) => void,
): HTMLElement {
  const choices = values.map(({ value, text }) => {
    const id = `${parameter}-${value}`;
    const input = el("input", { type: "radio", name: parameter, id, value });
    input.checked = value === current;
    input.addEventListener("change", () => set(value));
    return el("div", { class: "choice" }, input, el("label", { for: id, text: words.in(text) }));
  });
  return el(
    "fieldset",
    { class: "setting" },
    el("legend", { text: words.in(title) }),
    el("div", { class: "choices" }, ...choices),
  );
}
