import type { Words } from "../twin/words";
import { iconButton } from "./button";
import { el } from "./dom";

/** A panel beside the scene with a heading and a way to close it. Focus goes in when it opens and back when it closes. */
export class Panel {
  readonly element: HTMLElement;
  private readonly heading: HTMLHeadingElement;
  private readonly subheading = el("p", { class: "panel-subtitle", hidden: true });
  private readonly body = el("div", { class: "panel-body", tabindex: "0", role: "group" });
  private opener: HTMLElement | null = null;

  constructor(
    { say }: Words,
    id: string,
    side: "left" | "right",
    private readonly closed: () => void,
  ) {
    this.heading = el("h2", { class: "panel-title", id: `${id}-title`, tabindex: "-1" });
    this.body.setAttribute("aria-labelledby", `${id}-title`);
    this.element = el(
      "section",
      { class: `panel surface ${side}`, id, "aria-labelledby": `${id}-title`, hidden: true },
      el(
        "header",
        { class: "panel-header" },
        el("div", { class: "panel-titles" }, this.heading, this.subheading),
        iconButton("close", say("close"), () => this.close()),
      ),
      this.body,
    );
    this.element.addEventListener("keydown", (event) => {
      if (event.key === "Escape") {
        event.stopPropagation();
        this.close();
      }
    });
  }

  get isOpen(): boolean {
    return !this.element.hidden;
  }

  /** Show content. Focus moves in only where a control of the page opened the panel (`opener`). */
  show(title: Node | string, subtitle: Node | string, content: readonly Node[], opener: HTMLElement | null): void {
    this.heading.replaceChildren(title);
    this.subheading.replaceChildren(subtitle);
    this.subheading.hidden = this.subheading.textContent === "";
    this.body.replaceChildren(...content);
    this.body.scrollTop = 0;
    this.element.hidden = false;
    this.comeToFront();
    const covered = coveredFocus();
    this.opener = opener ?? covered;
    if (opener || covered) this.heading.focus({ preventScroll: true });
  }

  /** On phones there is room for one panel: the last that was shown; the other comes back when it closes. */
  private comeToFront(): void {
    if (this.element.parentElement) this.element.parentElement.dataset.front = this.element.id;
  }

  close(): void {
    if (this.element.hidden) return;
    const hadFocus = this.element.contains(document.activeElement);
    this.element.hidden = true;
    if (this.element.parentElement) delete this.element.parentElement.dataset.front;
    if (hadFocus) this.opener?.focus({ preventScroll: true });
    this.closed();
  }
}

/** What has the focus and can no longer be seen; null where that is not so. */
function coveredFocus(): HTMLElement | null {
  const { activeElement: focused, body } = document;
  return focused instanceof HTMLElement && focused !== body && !focused.checkVisibility() ? focused : null;
}
