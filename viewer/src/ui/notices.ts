import type { Words } from "../twin/words";
import { iconButton } from "./button";
import { el } from "./dom";
import { icon } from "./icons";

/** Short messages at the edge of the scene; each is read out once. Of one kind there is never more than one. */
export class Notices {
  readonly element = el("div", { class: "notices", role: "status" });
  private readonly shown = new Map<string, { readonly element: HTMLElement; readonly timer: number | null }>();

  constructor(private readonly words: Words) {}

  /** Show a message; it leaves by itself after `seconds`, or stays until closed where that is null. */
  show(kind: string, text: string, tone: "info" | "warning", seconds: number | null): void {
    this.hide(kind);
    const element = el(
      "div",
      { class: `notice surface ${tone}`, "data-kind": kind },
      icon(tone === "warning" ? "warning" : "info"),
      el("p", {}, text),
      iconButton("close", this.words.say("close"), () => this.hide(kind), { class: "icon-button small" }),
    );
    const timer = seconds === null ? null : window.setTimeout(() => this.hide(kind), seconds * 1000);
    this.shown.set(kind, { element, timer });
    this.element.append(element);
  }

  hide(kind: string): void {
    const notice = this.shown.get(kind);
    if (!notice) return;
    if (notice.timer !== null) window.clearTimeout(notice.timer);
    notice.element.remove();
    this.shown.delete(kind);
  }
}
