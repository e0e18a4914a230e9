import type { Clearing } from "./cesium/camera";
import type { Twin } from "./twin/description";
import { type Language, Words } from "./twin/words";
import { Chrome, type ChromeActions } from "./ui/chrome";
import type { PanelKind } from "./ui/panels";

/** The page: the place of the scene and, around it, the controls in one language. */
export class Page {
  readonly scenePlace = document.createElement("main");
  chrome: Chrome;
  private twin: Twin | null = null;

  constructor(
    private readonly root: HTMLElement,
    language: Language,
    private readonly panels: readonly PanelKind[],
    private readonly actions: ChromeActions,
  ) {
    this.scenePlace.className = "scene";
    this.scenePlace.tabIndex = 0;
    this.chrome = this.dress(new Words(language));
  }

  /** Build the controls anew in another language, in place of those that are there. */
  setLanguage(language: Language): void {
    this.chrome = this.dress(new Words(language));
    this.setTwin(this.twin);
  }

  /** Title and credits; null where it is not known what is shown. */
  setTwin(twin: Twin | null): void {
    this.twin = twin;
    if (!twin) return;
    const { title, isSynthetic, attribution, layers } = twin;
    document.title = `${title} – ${this.chrome.words.say("appName")}`;
    this.chrome.bar.setTitle(title, isSynthetic);
    this.chrome.setCredits([...new Set([...attribution, ...layers.flatMap((layer) => layer.attribution)])]);
  }

  /** What of the canvas the panels leave free. */
  clearing(): Clearing {
    const { sheet, panel, bar, time } = this.chrome;
    const [width, height] = [this.scenePlace.clientWidth, this.scenePlace.clientHeight];
    let [left, right, bottom] = [0, width, time.element.getBoundingClientRect().top || height];
    for (const open of [sheet, panel]) {
      if (!open.isOpen) continue;
      const box = open.element.getBoundingClientRect();
      if (box.width > width * 0.8) bottom = Math.min(bottom, box.top);
      else if (open === sheet) right = box.left;
      else left = box.right;
    }
    return { left, right, bottom, top: bar.element.getBoundingClientRect().bottom };
  }

  private dress(words: Words): Chrome {
    document.documentElement.lang = words.language;
    const chrome = new Chrome(words, this.panels, this.actions);
    this.scenePlace.setAttribute("aria-label", words.say("scene"));
    this.root.replaceChildren(chrome.element);
    chrome.bar.element.after(this.scenePlace);
    chrome.showTools(false);
    return chrome;
  }
}
