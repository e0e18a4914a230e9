import type { Words } from "../twin/words";
import { iconButton } from "./button";
import { el, foreign } from "./dom";
import { icon } from "./icons";
import type { PanelKind } from "./panels";

export interface TopBarActions {
  readonly share: () => void;
  readonly switchLanguage: () => void;
}

export interface TopBar {
  readonly element: HTMLElement;
  /** The buttons that open panels, by the panel's id. */
  readonly panelButtons: ReadonlyMap<string, HTMLButtonElement>;
  setTitle(title: string, isSynthetic: boolean): void;
}

export function topBar(
  { say, language }: Words,
  panels: readonly PanelKind[],
  toggle: (panel: PanelKind) => void,
  actions: TopBarActions,
): TopBar {
  const title = el("h1", { class: "title", text: say("appName") });
  const subtitle = el("p", { class: "subtitle", text: say("appName"), hidden: true });
  const badge = el("p", { class: "badge", hidden: true }, icon("info"), el("span", { text: say("syntheticBadge") }));
  const panelButtons = new Map(panels.map((panel) => [panel.id, panelButton(panel, say, () => toggle(panel))]));
  const placed = (place: PanelKind["place"]): (HTMLButtonElement | undefined)[] =>
    panels.filter((panel) => panel.place === place).map((panel) => panelButtons.get(panel.id));
  const element = el(
    "header",
    { class: "top-bar surface" },
    ...placed("start"),
    el("div", { class: "titles" }, title, subtitle),
    badge,
    el(
      "div",
      { class: "actions" },
      iconButton("link", say("share"), actions.share),
      ...placed("end"),
      el(
        "button",
        {
          type: "button",
          class: "text-button language",
          lang: language === "de" ? "en" : "de",
          title: say("otherLanguage"),
          act: actions.switchLanguage,
        },
        icon("language"),
        el("span", { text: say("otherLanguage") }),
      ),
    ),
  );
  return {
    element,
    panelButtons,
    setTitle(text, isSynthetic) {
      title.replaceChildren(foreign(text));
      subtitle.hidden = false;
      badge.hidden = !isSynthetic;
    },
  };
}

function panelButton(panel: PanelKind, say: Words["say"], act: () => void): HTMLButtonElement {
  const state = { "aria-expanded": "false", "aria-controls": "panel" };
  if (panel.place === "end") return iconButton(panel.icon, say(panel.title), act, state);
  return el(
    "button",
    { type: "button", class: "text-button", act, ...state },
    icon(panel.icon),
    el("span", { text: say(panel.title) }),
  );
}
