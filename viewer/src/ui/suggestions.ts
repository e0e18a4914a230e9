import type { Words } from "../twin/words";
import { el } from "./dom";
import { type IconName, icon } from "./icons";
import "./suggestions.css";

export interface Suggestion {
  readonly icon: IconName;
  readonly text: string;
  readonly act: () => void;
}

/** What a visitor might do first: a few buttons over the first view, gone as soon as one does anything. */
export class Suggestions {
  readonly element: HTMLElement;

  constructor({ say }: Words) {
    this.element = el("nav", { class: "suggestions", "aria-label": say("suggestions"), hidden: true });
  }

  show(suggestions: readonly Suggestion[]): void {
    this.element.replaceChildren(
      ...suggestions.map(({ icon: name, text, act }) =>
        el("button", { type: "button", class: "suggestion surface", act }, icon(name), el("span", { text })),
      ),
    );
    this.element.hidden = suggestions.length === 0;
  }

  hide(): void {
    this.element.hidden = true;
  }
}
