import { RequestError } from "./api";
import type { CameraMan } from "./cesium/camera";
import { pickAt } from "./cesium/picking";
import type { Stage } from "./cesium/stage";
import type { LayersOnStage, Picked } from "./layers/on_stage";
import type { Page } from "./page";
import { DescriptionError } from "./twin/description";
import type { LinkedChoice } from "./twin/link";
import { type Selection, SelectionModel } from "./twin/selection";
import { foreign } from "./ui/dom";

/** What is chosen: by click, key or link; outlined on the stage and told in the sheet. */
export class Chooser {
  private readonly selection = new SelectionModel();

  constructor(
    private readonly page: Page,
    private readonly stage: Stage,
    private readonly camera: CameraMan,
    private readonly layers: LayersOnStage,
    private readonly changed: () => void,
  ) {
    this.selection.onChange((now, before) => this.show(now, before));
  }

  /** Name in the address and id of what is chosen; null where nothing is, or it has no name there. */
  get linked(): LinkedChoice | null {
    const { current } = this.selection;
    const parameter = current && this.layers.parameter(current.layer);
    return parameter ? { parameter, id: current.id } : null;
  }

  get current(): Selection | null {
    return this.selection.current;
  }

  clear(): void {
    this.selection.clear();
  }

  /** What can be chosen at a place of the canvas (CSS pixels). */
  at(x: number, y: number): Picked | null {
    return pickAt(this.stage.scene, x, y, (picked, point) => this.layers.pick(picked, point))?.found ?? null;
  }

  /** Choose what is at a place of the canvas, or nothing. */
  pick(x: number, y: number): void {
    const hit = pickAt(this.stage.scene, x, y, (picked, point) => this.layers.pick(picked, point));
    if (!hit) {
      this.selection.clear();
      return;
    }
    const { layer, choice } = hit.found;
    this.selection.select({ layer: layer.id, ...choice });
    if (hit.point) this.camera.makeRoom(hit.point, this.page.clearing());
  }

  /** Find something by its id, choose it, and go there if wanted: at once where it is the first view. */
  async choose({ parameter, id }: LinkedChoice, go: "stay" | "fly" | "jump"): Promise<void> {
    const entries = this.layers.withParameter(parameter);
    const { chrome } = this.page;
    try {
      for (const { layer, staged } of entries) {
        const place = await staged.choosing?.place(id);
        if (!place) continue;
        this.selection.select({ layer: layer.id, id, attributes: null });
        if (go !== "stay") this.camera.goTo(place, go === "jump", () => this.page.clearing());
        this.refresh();
        return;
      }
      this.complain("unknown", entries[0]?.layer.id, id);
    } catch (error) {
      if (!(error instanceof RequestError || error instanceof DescriptionError)) throw error;
      this.complain("unanswered", entries[0]?.layer.id, id);
    }
    chrome.loading.hide();
  }

  /** Take up what has come or gone since: attributes into the sheet, features into the outline. */
  refresh(): void {
    const { current } = this.selection;
    if (!current) return;
    const attributes = current.attributes ?? this.layers.choosing(current.layer)?.attributes(current.id) ?? null;
    if (attributes && !current.attributes) this.selection.fill(current.id, attributes);
    else this.outline();
  }

  /** Fill the sheet anew, in the page's language. */
  fillSheet(): void {
    const { current } = this.selection;
    const choosing = current && this.layers.choosing(current.layer);
    if (!choosing) return;
    const { chrome } = this.page;
    const { words } = chrome;
    const copyFailed = (): void => chrome.notices.show("copy", words.say("copyFailed"), "warning", 8);
    const { title, subtitle, content } = choosing.sheet(current, words, copyFailed);
    chrome.sheet.show(foreign(title), foreign(subtitle), content, null);
    if (current.attributes) {
      chrome.announce(words.say("selected", { name: [title, subtitle].filter(Boolean).join(", ") }));
    }
  }

  private complain(what: "unknown" | "unanswered", layerId: string | undefined, id: string): void {
    const choosing = layerId === undefined ? null : this.layers.choosing(layerId);
    if (!choosing) return;
    const { notices, words } = this.page.chrome;
    notices.show("choice", words.in(choosing[what], { id: shortened(id) }), "warning", null);
  }

  private show(now: Selection | null, before: Selection | null): void {
    const { chrome } = this.page;
    if (before && before.layer !== now?.layer) this.layers.choosing(before.layer)?.released?.();
    this.outline();
    this.changed();
    if (now) {
      chrome.notices.hide("choice");
      this.fillSheet();
      return;
    }
    chrome.sheet.close();
    if (before) chrome.announce(chrome.words.say("deselected"));
  }

  private outline(): void {
    const { current } = this.selection;
    this.stage.finish.setSelected((current && this.layers.choosing(current.layer)?.outlined(current.id)) ?? []);
    this.stage.scene.requestRender();
  }
}

function shortened(text: string): string {
  return text.length > 64 ? `${text.slice(0, 64)}…` : text;
}
