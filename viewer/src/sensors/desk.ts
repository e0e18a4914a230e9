/** Sensors in the viewer: the line to the server, what it tells, and everything that shows it. */

import { changeAlert, fetchSeries, liveUrls } from "../api";
import type { CameraMan, Clearing } from "../cesium/camera";
import type { Stage } from "../cesium/stage";
import { DescriptionError, type Extent } from "../twin/description";
import type { Ground } from "../twin/ground";
import type { Words } from "../twin/words";
import type { Chrome } from "../ui/chrome";
import { el, foreign } from "../ui/dom";
import { at } from "./ages";
import { Book } from "./book";
import { type Condition, conditionOf, figure, measured } from "./condition";
import { eventTransport, Feed, type Line, socketTransport } from "./feed";
import { type Mark, Markers } from "./markers";
import { type LineState, SensorPanel } from "./panel";
import { type Alert, parseMessage, type Thing } from "./protocol";
import { SensorSheet } from "./sheet";
import { conditionWord, lineText, placeName, SENSOR_WORDS, stateWord } from "./words";

/** Name of a sensor's id in the address. */
export const SENSOR_PARAMETER = "sensor";
export const SENSOR_PANEL = "sensors";

/** Where the token stands that a sign-in will put there; kept by the browser until the tab is closed. */
const TOKEN_KEY = "zwilling.token";
/** States also change because time passes. */
const REVIEW_MS = 15_000;
/** Metres above the ground where the registry tells no height. */
const USUAL_HEIGHT = 8;
/** What is shown around a sensor, on each side. */
const AROUND_METRES = 15;
/** A degree of longitude in this country, and one of latitude: near enough for views. */
const METRES_EAST = 70_000;
const METRES_NORTH = 111_320;
/** Sensors that lie closer together than this, or are nearer than that to the camera, are not told apart by coming nearer. */
const CLOSE_METRES = 4;
const NEAR_METRES = 160;

export interface DeskOptions {
  readonly chrome: () => Chrome;
  readonly clearing: () => Clearing;
  /** A sensor is about to be chosen: whatever else is gives up the sheet. */
  readonly choosing: () => void;
  /** A sensor is chosen. */
  readonly chosen: () => void;
  /** The first sensors have come. */
  readonly arrived: () => void;
}

interface Scenery {
  readonly stage: Stage;
  readonly camera: CameraMan;
}

export class SensorDesk {
  readonly book = new Book();
  private readonly feed: Feed;
  private markers: Markers | null = null;
  private scenery: Scenery | null = null;
  private ground: Ground | null = null;
  private panel: SensorPanel | null = null;
  private sheet: SensorSheet | null = null;
  private wished: { readonly id: string; readonly go: "stay" | "jump" } | null = null;
  private isFirst = true;
  /** The frame in which marks are brought up to date; 0 for none. */
  private update = 0;

  constructor(private readonly options: DeskOptions) {
    const { socket, events } = liveUrls();
    this.feed = new Feed({
      transports: [socketTransport(socket, token), eventTransport(events, token)],
      position: () => this.book.position,
      heard: (data) => this.heard(data),
      changed: (line) => this.lineChanged(line),
    });
    window.addEventListener("online", () => this.feed.hurry());
    window.addEventListener("offline", () => this.showLine());
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState !== "visible") return;
      this.feed.hurry();
      this.review();
    });
  }

  /** Begin to listen. */
  start(): void {
    this.feed.start();
    window.setInterval(() => this.review(), REVIEW_MS);
  }

  /** Put markers over a scene, on a ground. */
  show(scenery: Scenery, ground: Ground, place: HTMLElement): void {
    this.scenery = scenery;
    this.ground = ground;
    this.markers = new Markers(scenery.stage.scene, this.groupWords);
    place.append(this.markers.element);
    this.place();
  }

  /** How the line to the server stands. */
  get line(): Line {
    return this.feed.state;
  }

  get chosen(): string | null {
    return this.sheet?.id ?? this.wished?.id ?? null;
  }

  /** What the panel holds; built when it opens. */
  panelContent(words: Words): readonly Node[] {
    this.panel = new SensorPanel(this.book, words, {
      markers: this.markers,
      choose: (id) => this.choose(id, "fly"),
      change: token() === null ? null : (alert, what) => void this.change(alert, what),
    });
    this.panel.setChosen(this.chosen);
    this.showLine();
    return this.panel.content;
  }

  /** Choose what is at a place of the canvas (CSS pixels); false where no marker is. */
  pick(x: number, y: number): boolean {
    const marks = this.markers?.at(x, y) ?? [];
    const [first] = marks;
    if (!first) return false;
    if (marks.length === 1) this.choose(first.id, "stay");
    else this.enter(marks);
    return true;
  }

  /** Choose a sensor; one that is not known yet is chosen when it comes. */
  choose(id: string, go: "stay" | "fly" | "jump"): void {
    const thing = this.book.things.get(id);
    if (!thing) {
      if (this.book.lastHeard === null) this.wished = { id, go: go === "fly" ? "jump" : go };
      else this.complain(id);
      return;
    }
    this.wished = null;
    const { words } = this.options.chrome();
    this.options.choosing();
    this.open(thing);
    this.options.chosen();
    this.options.chrome().announce(words.in(SENSOR_WORDS.selected, { name: placeName(thing, words) }));
    this.go(thing, go);
  }

  /** Nothing is chosen any more; the sheet is another's, or closed. */
  release(): void {
    this.wished = null;
    if (!this.sheet) return;
    this.sheet = null;
    this.markers?.choose(null);
    this.panel?.setChosen(null);
  }

  /** Say everything in the page's language anew. */
  languageChanged(): void {
    this.panel = null;
    this.updateMarks();
    const thing = this.sheet && this.book.things.get(this.sheet.id);
    if (thing) this.open(thing);
  }

  /** Show all sensors from above. */
  overview(): void {
    const extent = this.extentOf([...this.book.things.values()]);
    if (extent) this.scenery?.camera.goTo(extent, false, this.options.clearing);
  }

  private readonly groupWords = {
    state: (marks: readonly Mark[]): string => {
      const { words } = this.options.chrome();
      const [worst] = marks;
      if (!worst || worst.state === "") return "";
      const word = worst.state;
      const count = marks.filter(({ state }) => state === word).length;
      return count === marks.length
        ? words.in(SENSOR_WORDS.allWord, { word })
        : words.in(SENSOR_WORDS.clusterWord, { count, all: marks.length, word });
    },
    title: (count: number): string => this.options.chrome().words.in(SENSOR_WORDS.siteCount, { count }),
  };

  private heard(data: string): void {
    let message: ReturnType<typeof parseMessage>;
    try {
      message = parseMessage(data);
    } catch (error) {
      if (!(error instanceof DescriptionError)) throw error;
      // What is known stays; a newer page may understand the server.
      const { notices, words } = this.options.chrome();
      notices.show("live-shape", words.say("errorShape"), "warning", null);
      return;
    }
    if (!message) return;
    const { things, alerts } = this.book.apply(message);
    if (things === null) {
      this.place();
      this.panel?.rebuild();
      this.begin();
    } else if (things.size > 0) {
      this.updateMarks();
      this.panel?.refresh();
    }
    if (alerts) this.panel?.refreshAlerts();
    if (this.sheet && (alerts || things === null || things.has(this.sheet.id))) {
      this.sheet.refresh();
      this.sheet.extend();
    }
    this.showLine();
  }

  /** What waited for the first message. */
  private begin(): void {
    if (this.wished) this.choose(this.wished.id, this.wished.go);
    else if (this.sheet && !this.book.things.has(this.sheet.id)) this.options.chrome().sheet.close();
    if (this.isFirst) this.options.arrived();
    this.isFirst = false;
  }

  private lineChanged(line: Line): void {
    this.book.setConnected(line.kind === "live");
    this.showLine();
  }

  private lineState(): LineState {
    const { words } = this.options.chrome();
    const { state } = this.feed;
    const asOf = this.book.lastHeard === null ? null : at(this.book.lastHeard, Date.now(), words);
    const text = lineText(state, navigator.onLine, this.book.isCurrent, asOf, words);
    return { text, tone: state.kind === "live" && this.book.isCurrent ? "live" : "waiting" };
  }

  private showLine(): void {
    const state = this.lineState();
    this.panel?.setLine(state);
    const { notices } = this.options.chrome();
    // A short break is no news; the markers stay as they were.
    const { state: line } = this.feed;
    if (line.kind === "waiting" && this.book.lastHeard !== null) notices.show("live", state.text, "warning", null);
    else if (line.kind === "live") notices.hide("live");
  }

  /** Look again at what time alone changes. */
  private review(): void {
    this.updateMarks();
    this.panel?.refresh();
    this.sheet?.refresh();
    this.showLine();
  }

  private open(thing: Thing): void {
    const chrome = this.options.chrome();
    const hasPlace = thing.longitude !== null && thing.latitude !== null;
    const extra = hasPlace ? [] : [el("p", { class: "quiet", text: chrome.words.in(SENSOR_WORDS.noPlace) })];
    this.sheet = new SensorSheet(thing.id, this.book, chrome.words, fetchSeries(token), extra);
    chrome.sheet.show(foreign(this.sheet.title), foreign(this.sheet.subtitle), this.sheet.content, null);
    this.sheet.refresh();
    this.markers?.choose(thing.id);
    this.panel?.setChosen(thing.id);
  }

  private go(thing: Thing, go: "stay" | "fly" | "jump"): void {
    const camera = this.scenery?.camera;
    const extent = this.extentOf([thing]);
    if (!camera || !extent) return;
    const point = this.markers?.place(thing.id);
    if (go !== "stay") camera.goTo(extent, go === "jump", this.options.clearing);
    else if (point) camera.makeRoom(point, this.options.clearing());
  }

  /** Come nearer to a group; where it cannot be told apart by coming nearer, choose the one that most wants it. */
  private enter(marks: readonly Mark[]): void {
    const things = marks.flatMap(({ id }) => this.book.things.get(id) ?? []);
    const extent = this.extentOf(things);
    const camera = this.scenery?.camera;
    if (!extent || !camera) return;
    const metres = (extent.north - extent.south) * METRES_NORTH + (extent.east - extent.west) * METRES_EAST;
    const distance = this.markers?.distance(marks) ?? 0;
    if (metres > CLOSE_METRES && distance > NEAR_METRES) camera.goTo(extent, false, this.options.clearing);
    else {
      const [first] = marks;
      if (first) this.choose(first.id, "stay");
      this.openSite(things[0]?.site ?? "");
    }
  }

  private openSite(site: string): void {
    const chrome = this.options.chrome();
    if (chrome.openPanel !== SENSOR_PANEL) chrome.showPanel(SENSOR_PANEL);
    this.panel?.openSite(site);
  }

  private extentOf(things: readonly Thing[]): Extent | null {
    const placed = things.filter(({ longitude, latitude }) => longitude !== null && latitude !== null);
    if (placed.length === 0) return null;
    const [lon, lat] = [placed.map((thing) => thing.longitude ?? 0), placed.map((thing) => thing.latitude ?? 0)];
    const heights = placed.map((thing) => this.heightOf(thing));
    // A point is shown with what is around it.
    const around = placed.length === 1 ? AROUND_METRES : 0;
    const [dx, dy] = [around / METRES_EAST, around / METRES_NORTH];
    return {
      west: Math.min(...lon) - dx,
      east: Math.max(...lon) + dx,
      south: Math.min(...lat) - dy,
      north: Math.max(...lat) + dy,
      low: Math.min(...heights) - 2,
      high: Math.max(...heights) + 2,
    };
  }

  private heightOf({ longitude, latitude, height }: Thing): number {
    if (height !== null) return height;
    return (this.ground?.at(longitude ?? 0, latitude ?? 0) ?? 0) + USUAL_HEIGHT;
  }

  private place(): void {
    this.markers?.set(this.marks());
  }

  /** Once a frame at most: changes come ten times a second. */
  private updateMarks(): void {
    if (!this.markers || this.update !== 0) return;
    this.update = window.requestAnimationFrame(() => {
      this.update = 0;
      this.markers?.update(this.marks());
    });
  }

  private marks(): readonly Mark[] {
    const { words } = this.options.chrome();
    const now = this.book.now;
    return [...this.book.things.values()].flatMap((thing): readonly Mark[] => {
      const { longitude, latitude } = thing;
      if (longitude === null || latitude === null) return [];
      const condition = conditionOf(thing, this.book.properties, now);
      const { property, value, shape } = condition;
      return [
        {
          id: thing.id,
          site: thing.site,
          siteName: thing.siteName || thing.site,
          longitude,
          latitude,
          height: this.heightOf(thing),
          shape,
          isOld: condition.isOld,
          severity: condition.severity,
          figure: property && value ? figure(value.value, property, words.language) : "",
          word: markWord(condition, thing, now, words),
          state: stateWord(condition, words),
          name: placeName(thing, words),
        },
      ];
    });
  }

  private async change(alert: Alert, what: "acknowledge" | "close"): Promise<void> {
    const chrome = this.options.chrome();
    try {
      await changeAlert(alert.id, what, token());
    } catch {
      chrome.notices.show("alert", chrome.words.in(SENSOR_WORDS.actFailed), "warning", 10);
    }
  }

  private complain(id: string): void {
    const { notices, words } = this.options.chrome();
    notices.show("choice", words.in(SENSOR_WORDS.unknown, { id: id.slice(0, 64) }), "warning", null);
  }
}

/** What stands below a sign: the verdict, or what was measured where there is none. */
function markWord(condition: Condition, thing: Thing, now: number, words: Words): string {
  const { shape, property, value } = condition;
  const word = conditionWord(condition, thing, now, words);
  if (shape !== "plain" || !property || !value) return word;
  const reading = `${words.in(property.name)} ${measured(value.value, property, words.language)}`;
  return [reading, word].filter(Boolean).join(", ");
}

function token(): string | null {
  try {
    return window.sessionStorage.getItem(TOKEN_KEY);
  } catch {
    return null; // storage is barred
  }
}
