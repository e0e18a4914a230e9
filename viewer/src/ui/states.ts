import { el } from "./dom";
import { type IconName, icon } from "./icons";

export interface StateCard {
  readonly symbol: IconName;
  readonly title: string;
  readonly text: string;
  /** A second line that may change, like a countdown. */
  readonly detail?: HTMLElement;
  readonly action?: { readonly label: string; readonly act: () => void };
}

/** The page's state where there is no scene to see: one card in the middle. */
export class States {
  readonly element = el("div", { class: "state", hidden: true });

  show(card: StateCard): void {
    this.element.replaceChildren(
      el(
        "section",
        { class: "state-card surface", role: "alert" },
        icon(card.symbol),
        el("h2", { text: card.title }),
        el("p", { text: card.text }),
        card.detail,
        card.action &&
          el("button", { type: "button", class: "primary", text: card.action.label, act: card.action.act }),
      ),
    );
    this.element.hidden = false;
  }

  hide(): void {
    this.element.hidden = true;
    this.element.replaceChildren();
  }
}

/** How far loading has come: a thin bar below the top bar and, for those who do not see it, a figure. */
export class LoadingBar {
  readonly element = el("div", { class: "loading", hidden: true });
  private readonly bar = el("progress", { max: "1" });
  private readonly text = el("span", { class: "loading-text" });

  constructor(label: string) {
    this.bar.setAttribute("aria-label", label);
    this.element.append(this.bar, this.text);
  }

  /** Show a share between 0 and 1, or an unknown one. */
  show(share: number | null, text: string): void {
    if (share === null) this.bar.removeAttribute("value");
    else this.bar.value = share;
    this.text.textContent = text;
    this.element.hidden = false;
  }

  hide(): void {
    this.element.hidden = true;
  }
}
