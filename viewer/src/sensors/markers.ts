import { Cartesian2, Cartesian3, Matrix4, type Scene, SceneTransforms } from "@cesium/engine";
import { el, foreign } from "../ui/dom";
import { type Group, grouped, type Spot } from "./clusters";
import type { Shape } from "./condition";
import { shapeSign } from "./shapes";
import "./markers.css";

/** A sensor as its marker shows it. */
export interface Mark {
  readonly id: string;
  readonly site: string;
  readonly siteName: string;
  readonly longitude: number;
  readonly latitude: number;
  /** Ellipsoidal metres. */
  readonly height: number;
  readonly shape: Shape;
  readonly isOld: boolean;
  readonly severity: number;
  readonly figure: string;
  readonly word: string;
  /** The same without what is this one's alone: `keine Daten`, not since when. */
  readonly state: string;
  readonly name: string;
}

/** What is said of several sensors at once. */
export interface GroupWords {
  /** Their worst state, and how many are in it. */
  readonly state: (marks: readonly Mark[]) => string;
  /** How many they are, where they are no whole site. */
  readonly title: (count: number) => string;
}

interface Placed extends Spot {
  readonly mark: Mark;
  readonly metres: number;
}

/** Nearer than this (metres), a marker shows figure and word. */
const NEAR_METRES = 700;
/** With so few markers there is room for all of it from afar, too. */
const FEW_GROUPS = 6;
const SIZE_NEAR = 48;
const SIZE_FAR = 30;
const STEM = 16;
/** Captions at once; more would be read by nobody. */
const MOST_CAPTIONS = 40;
/** Width of a letter of a caption, on average (CSS pixels). */
const LETTER = 6.6;
/** As in markers.css. */
const CAPTION_WIDTH = 200;

interface Box {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** What a sign covers above the place that it marks. */
function signBox({ x, y }: Group, size: number): Box {
  return { left: x - size / 2, right: x + size / 2, top: y - STEM - size, bottom: y };
}

function overlap(a: Box, b: Box): boolean {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}

/**
 * Markers over the scene: elements, not things in the scene. They stay sharp at every pixel ratio, follow theme and
 * forced colours, and a change of one costs neither a frame nor a texture. They are a picture alone; the list of
 * sensors says the same to those who do not see it.
 */
export class Markers {
  readonly element = el("div", { class: "markers", "aria-hidden": "true" });
  private marks: readonly Mark[] = [];
  /** How many sensors a site has. */
  private readonly bySite = new Map<string, number>();
  private readonly places = new Map<string, Cartesian3>();
  private shown = new Map<string, { element: HTMLElement; look: string }>();
  private groups: readonly Group<Placed>[] = [];
  private chosen: string | null = null;
  private hovered: string | null = null;
  private readonly view = new Matrix4();
  private size = "";

  constructor(
    private readonly scene: Scene,
    private readonly groupWords: GroupWords,
  ) {
    scene.postRender.addEventListener(() => {
      if (this.hasMoved()) this.draw();
    });
    scene.canvas.addEventListener("pointermove", (event) => {
      if (event.buttons === 0 && event.pointerType !== "touch") this.hover(event.offsetX, event.offsetY);
    });
    scene.canvas.addEventListener("pointerleave", () => this.hover(-1, -1));
  }

  /** Show these and no others. */
  set(marks: readonly Mark[]): void {
    this.places.clear();
    for (const { id, longitude, latitude, height } of marks) {
      this.places.set(id, Cartesian3.fromDegrees(longitude, latitude, height));
    }
    this.update(marks);
  }

  /** Show the same sensors in other states: no place has changed. */
  update(marks: readonly Mark[]): void {
    this.marks = marks;
    this.bySite.clear();
    for (const { site } of marks) this.bySite.set(site, (this.bySite.get(site) ?? 0) + 1);
    this.draw();
  }

  get isShown(): boolean {
    return !this.element.hidden;
  }

  set isShown(shown: boolean) {
    this.element.hidden = !shown;
  }

  choose(id: string | null): void {
    if (this.chosen === id) return;
    this.chosen = id;
    this.draw();
  }

  /** The sensors of the marker at a place of the canvas (CSS pixels); none where there is none. */
  at(x: number, y: number): readonly Mark[] {
    if (!this.isShown) return [];
    // The one drawn last is on top.
    const hit = [...this.groups].reverse().find((group) => {
      const half = this.sizeOf(group) / 2 + 3;
      return Math.abs(group.x - x) <= half && Math.abs(group.y - STEM - half - y) <= half;
    });
    return hit ? hit.spots.map(({ mark }) => mark) : [];
  }

  /** Where a sensor stands, in world coordinates. */
  place(id: string): Cartesian3 | null {
    return this.places.get(id) ?? null;
  }

  /** Metres from the camera to the nearest of some. */
  distance(marks: readonly Mark[]): number {
    const camera = this.scene.camera.positionWC;
    return Math.min(
      ...marks.map(({ id }) => {
        const place = this.places.get(id);
        return place ? Cartesian3.distance(camera, place) : Number.POSITIVE_INFINITY;
      }),
    );
  }

  private hasMoved(): boolean {
    const { camera, canvas } = this.scene;
    const size = `${canvas.clientWidth}×${canvas.clientHeight}`;
    if (size === this.size && Matrix4.equalsEpsilon(camera.viewMatrix, this.view, 1e-9)) return false;
    this.size = size;
    Matrix4.clone(camera.viewMatrix, this.view);
    return true;
  }

  private hover(x: number, y: number): void {
    const [first] = this.at(x, y);
    this.scene.canvas.style.cursor = first ? "pointer" : "";
    const id = first?.id ?? null;
    if (id === this.hovered) return;
    this.hovered = id;
    this.draw();
  }

  private project(): readonly Placed[] {
    const { scene } = this;
    const { clientWidth, clientHeight } = scene.canvas;
    const found: Placed[] = [];
    const window = new Cartesian2();
    for (const mark of this.marks) {
      const place = this.places.get(mark.id);
      const seen = place && SceneTransforms.worldToWindowCoordinates(scene, place, window);
      if (!place || !seen || seen.x < -60 || seen.y < -20 || seen.x > clientWidth + 60 || seen.y > clientHeight + 90) {
        continue;
      }
      const metres = Cartesian3.distance(scene.camera.positionWC, place);
      found.push({ id: mark.id, site: mark.site, x: seen.x, y: seen.y, severity: mark.severity, mark, metres });
    }
    return found;
  }

  /** Bring the elements in line with marks and camera; what looks as before is only moved. */
  private draw(): void {
    // From top to bottom, so that of storeys above each other no stem crosses the sign below; the chosen one before all.
    this.groups = [...grouped(this.project(), this.chosen)].sort(
      (a, b) => Number(this.isChosen(a)) - Number(this.isChosen(b)) || a.y - b.y,
    );
    const named = this.named();
    const shown = new Map<string, { element: HTMLElement; look: string }>();
    this.groups.forEach((group, order) => {
      // A site may have several groups: only who leads one tells it from the others.
      const key = `${group.spots.length > 1 ? "group " : ""}${group.spots[0].id}`;
      const isNamed = named.has(group);
      const look = this.look(group, isNamed);
      const known = this.shown.get(key);
      const element = known?.element ?? el("div");
      if (known?.look !== look) this.dress(element, group, isNamed);
      element.style.transform = `translate(${group.x.toFixed(1)}px, ${group.y.toFixed(1)}px)`;
      element.style.zIndex = String(order);
      if (!known) this.element.append(element);
      shown.set(key, { element, look });
    });
    for (const [key, { element }] of this.shown) if (!shown.has(key)) element.remove();
    this.shown = shown;
  }

  private isChosen(group: Group<Placed>): boolean {
    return this.chosen !== null && group.spots.some(({ id }) => id === this.chosen);
  }

  private isHovered(group: Group<Placed>): boolean {
    return this.hovered !== null && group.spots[0].id === this.hovered;
  }

  private isNear(group: Group<Placed>): boolean {
    return group.spots.length > 1 || group.spots[0].metres < NEAR_METRES || this.groups.length <= FEW_GROUPS;
  }

  private sizeOf(group: Group<Placed>): number {
    return this.isNear(group) || this.isChosen(group) ? SIZE_NEAR : SIZE_FAR;
  }

  /**
   * The groups whose captions can be read: from the bottom up, each that covers no sign and no caption of one below. The
   * chosen one and the one below the pointer always.
   */
  private named(): ReadonlySet<Group<Placed>> {
    const named = new Set<Group<Placed>>();
    const taken: Box[] = [...this.groups].map((group) => signBox(group, this.sizeOf(group)));
    const byRank = [...this.groups].reverse();
    byRank.sort((a, b) => Number(this.isHovered(b)) - Number(this.isHovered(a)));
    byRank.forEach((group) => {
      const isEmphasised = this.isChosen(group) || this.isHovered(group);
      if (!isEmphasised && this.sizeOf(group) !== SIZE_NEAR) return;
      const box = this.captionBox(group, isEmphasised);
      if (!isEmphasised && (named.size >= MOST_CAPTIONS || taken.some((other) => overlap(other, box)))) return;
      taken.push(box);
      named.add(group);
    });
    return named;
  }

  private captionBox(group: Group<Placed>, isEmphasised: boolean): Box {
    const texts = [this.caption(group), this.title(group, isEmphasised)].filter((text) => text !== "");
    const widths = texts.map((text) => text.length * LETTER);
    const width = Math.min(Math.max(...widths, 0) + 16, CAPTION_WIDTH);
    // Long names take two lines.
    const lines = widths.reduce((sum, wide) => sum + (wide > CAPTION_WIDTH - 16 ? 2 : 1), 0);
    return {
      left: group.x - width / 2,
      right: group.x + width / 2,
      top: group.y + 5,
      bottom: group.y + 10 + lines * 16,
    };
  }

  private title(group: Group<Placed>, isEmphasised: boolean): string {
    const { mark } = group.spots[0];
    if (group.spots.length > 1) {
      const isWhole = group.site !== null && this.bySite.get(group.site) === group.spots.length;
      return isWhole ? mark.siteName : this.groupWords.title(group.spots.length);
    }
    return isEmphasised ? mark.name : "";
  }

  private look(group: Group<Placed>, isNamed: boolean): string {
    const { mark } = group.spots[0];
    const flags = [this.sizeOf(group), this.isChosen(group), this.isHovered(group), isNamed];
    return [mark.shape, mark.isOld, mark.figure, this.caption(group), mark.name, ...flags].join("|");
  }

  private caption(group: Group<Placed>): string {
    const marks = group.spots.map(({ mark }) => mark);
    // Of a chosen one the sheet tells the rest.
    if (marks.length === 1 && this.isChosen(group)) return "";
    return marks.length > 1 ? this.groupWords.state(marks) : (marks[0]?.word ?? "");
  }

  private dress(element: HTMLElement, group: Group<Placed>, isNamed: boolean): void {
    const { mark } = group.spots[0];
    const isGroup = group.spots.length > 1;
    const isEmphasised = this.isChosen(group) || this.isHovered(group);
    const hasFigure = this.sizeOf(group) === SIZE_NEAR;
    const title = this.title(group, isEmphasised);
    element.className = `marker${isGroup ? " group" : ""}${this.isChosen(group) ? " chosen" : ""}`;
    element.dataset.state = mark.shape;
    element.dataset.sensors = group.spots.map(({ id }) => id).join(" ");
    const figure = isGroup ? String(group.spots.length) : mark.figure;
    const caption = this.caption(group);
    const behind = isGroup && shapeSign(mark.shape, mark.isOld, this.sizeOf(group));
    if (behind) behind.classList.add("behind");
    element.replaceChildren(
      el("span", { class: "stem" }),
      ...(behind ? [behind] : []),
      shapeSign(mark.shape, mark.isOld, this.sizeOf(group), hasFigure ? figure : ""),
      ...(isNamed && (title !== "" || caption !== "")
        ? [
            el(
              "span",
              { class: "caption" },
              title !== "" && el("strong", {}, foreign(title)),
              caption !== "" && el("span", { text: caption }),
            ),
          ]
        : []),
    );
  }
}
