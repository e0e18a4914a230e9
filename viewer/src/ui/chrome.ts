import type { CivilTime } from "../twin/civil_time";
import type { Words } from "../twin/words";
import { type CameraActions, type CameraButtons, cameraButtons } from "./camera_buttons";
import { type Daytime, daytime } from "./daytime";
import { el, foreign } from "./dom";
import { Notices } from "./notices";
import { Panel } from "./panel";
import type { PanelKind } from "./panels";
import { LoadingBar, States } from "./states";
import { Suggestions } from "./suggestions";
import { type TopBar, type TopBarActions, topBar } from "./topbar";

export interface ChromeActions extends TopBarActions, CameraActions {
  readonly focusScene: () => void;
  readonly setTime: (time: CivilTime) => void;
  readonly setNow: () => void;
  readonly sheetClosed: () => void;
}

/** Everything around the scene, in one language. */
export class Chrome {
  readonly bar: TopBar;
  readonly panel: Panel;
  readonly sheet: Panel;
  readonly notices: Notices;
  readonly states = new States();
  readonly suggestions: Suggestions;
  readonly loading: LoadingBar;
  readonly time: Daytime;
  readonly camera: CameraButtons;
  readonly element: HTMLElement;
  private readonly credits = el("footer", { class: "credits" });
  private open: PanelKind | null = null;
  private readonly announcer = el("p", { class: "visually-hidden", "aria-live": "polite" });

  constructor(
    readonly words: Words,
    private readonly panels: readonly PanelKind[],
    actions: ChromeActions,
  ) {
    this.bar = topBar(words, panels, (panel) => this.toggle(panel), actions);
    this.panel = new Panel(words, "panel", "left", () => this.markOpen(null));
    this.sheet = new Panel(words, "details", "right", actions.sheetClosed);
    this.notices = new Notices(words);
    this.loading = new LoadingBar(words.say("loading"));
    this.time = daytime(words, actions.setTime, actions.setNow);
    this.camera = cameraButtons(words, actions);
    this.suggestions = new Suggestions(words);
    this.element = el(
      "div",
      { class: "chrome" },
      el("button", { type: "button", class: "skip", text: words.say("skip"), act: actions.focusScene }),
      this.bar.element,
      this.panel.element,
      this.sheet.element,
      this.loading.element,
      this.time.element,
      this.camera.element,
      this.suggestions.element,
      this.notices.element,
      this.states.element,
      this.credits,
      this.announcer,
    );
  }

  setCredits(lines: readonly string[]): void {
    this.credits.replaceChildren(...lines.flatMap((line, i) => (i === 0 ? [foreign(line)] : [" · ", foreign(line)])));
  }

  /** Have a screen reader say something. */
  announce(text: string): void {
    this.announcer.textContent = text;
  }

  /** Tools that make no sense without a scene. */
  showTools(shown: boolean): void {
    for (const element of [this.time.element, this.camera.element]) element.hidden = !shown;
    for (const { id, needsScene, isOffered } of this.panels) {
      const button = this.bar.panelButtons.get(id);
      if (button) button.hidden = (needsScene && !shown) || isOffered?.() === false;
    }
  }

  /** Id of the panel that is open. */
  get openPanel(): string | null {
    return this.open?.id ?? null;
  }

  /** Open a panel from its button. */
  showPanel(id: string): void {
    const panel = this.panels.find((candidate) => candidate.id === id);
    if (!panel) return;
    this.markOpen(panel);
    this.panel.show(this.words.say(panel.title), "", panel.content(this.words), this.bar.panelButtons.get(id) ?? null);
  }

  private toggle({ id }: PanelKind): void {
    if (this.openPanel === id) this.panel.close();
    else this.showPanel(id);
  }

  private markOpen(panel: PanelKind | null): void {
    this.open = panel;
    for (const [id, button] of this.bar.panelButtons) button.setAttribute("aria-expanded", String(id === panel?.id));
  }
}
