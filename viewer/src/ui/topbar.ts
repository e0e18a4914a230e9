import type { Words } from "../twin/words";
import { iconButton } from "./button";
import { el, foreign } from "./dom";
import { icon } from "./icons";

export interface TopBarActions {
  readonly toggleLayers: () => void;
  readonly toggleHelp: () => void;
  readonly share: () => void;
  readonly switchLanguage: () => void;
}

export interface TopBar {
  readonly element: HTMLElement;
  readonly layersButton: HTMLButtonElement;
  readonly helpButton: HTMLButtonElement;
  setTitle(title: string, isSynthetic: boolean): void;
}

export function topBar({ say, language }: Words, actions: TopBarActions): TopBar {
  const title = el("h1", { class: "title", text: say("appName") });
  const subtitle = el("p", { class: "subtitle", text: say("appName"), hidden: true });
  const badge = el("p", { class: "badge", hidden: true }, icon("info"), el("span", { text: say("syntheticBadge") }));
  const layersButton = el(
    "button",
    {
      type: "button",
      class: "text-button",
      "aria-expanded": "false",
      "aria-controls": "panel",
      act: actions.toggleLayers,
    },
    icon("layers"),
    el("span", { text: say("layers") }),
  );
  const helpButton = iconButton("help", say("help"), actions.toggleHelp, {
    "aria-expanded": "false",
    "aria-controls": "panel",
  });
  const element = el(
    "header",
    { class: "top-bar surface" },
    layersButton,
    el("div", { class: "titles" }, title, subtitle),
    badge,
    el(
      "div",
      { class: "actions" },
      iconButton("link", say("share"), actions.share),
      helpButton,
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
    layersButton,
    helpButton,
    setTitle(text, isSynthetic) {
      title.replaceChildren(foreign(text));
      subtitle.hidden = false;
      badge.hidden = !isSynthetic;
    },
  };
}
