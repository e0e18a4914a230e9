/** The panel of sensors: alerts, every sensor by site, and what the signs mean. It says all that the markers say. */

import type { Words } from "../twin/words";
import { el, foreign } from "../ui/dom";
import { icon } from "../ui/icons";
import { at } from "./ages";
import type { Book } from "./book";
import { type Condition, conditionOf, levelShape, measured } from "./condition";
import { folded, isWished, type Wish } from "./filter";
import type { Alert, Thing } from "./protocol";
import { shapeSign } from "./shapes";
import { conditionWord, meanings, placeName, SENSOR_WORDS, stateWord } from "./words";
import "./panel.css";

export interface PanelActions {
  /** Null where there is no scene. */
  readonly markers: { isShown: boolean } | null;
  readonly choose: (id: string) => void;
  /** Null where the visitor may not change alerts. */
  readonly change: ((alert: Alert, what: "acknowledge" | "close") => void) | null;
}

/** How the line stands, as the panel shows it. */
export interface LineState {
  readonly text: string;
  readonly tone: "live" | "waiting";
}

const ALERTS_AT_ONCE = 3;
/** With fewer sensors than this, a list needs no search. */
const WORTH_SEARCHING = 12;
/** So many sensors that were found are shown at once; of more, their sites. */
const MOST_UNFOLDED = 40;

interface Row {
  readonly element: HTMLElement;
  /** What a search looks at. */
  readonly names: string;
  look: string;
}

/** The panel's content; it follows the book, row by row. */
export class SensorPanel {
  readonly content: readonly Node[];
  private readonly line = el("p", { class: "line-state", role: "status" });
  private readonly alerts = el("div", { class: "alert-list" });
  private readonly legend = el("ul", { class: "signs" });
  private readonly sites = el("div", { class: "sites" });
  private readonly search = el("input", { type: "search", id: "sensor-search", autocomplete: "off" });
  private readonly notable = el("input", { type: "checkbox", role: "switch", id: "sensor-notable" });
  private readonly finder = el("div", { class: "finder", role: "search" });
  private readonly found = el("p", { class: "quiet", role: "status" });
  private readonly rows = new Map<string, Row>();
  private readonly summaries = new Map<
    string,
    { readonly element: HTMLElement; readonly sign: HTMLElement; look: string }
  >();
  private readonly unfolded = new Set<string>();
  private chosen: string | null = null;

  constructor(
    private readonly book: Book,
    private readonly words: Words,
    private readonly actions: PanelActions,
  ) {
    this.content = [
      this.line,
      ...(actions.markers ? [this.markerSwitch(actions.markers)] : []),
      el("h3", { text: words.in(SENSOR_WORDS.alerts) }),
      this.alerts,
      el("h3", { text: words.in(SENSOR_WORDS.sites) }),
      this.finder,
      this.sites,
      el("details", { class: "more" }, el("summary", { text: words.in(SENSOR_WORDS.legend) }), this.legend),
    ];
    this.furnishFinder();
    this.rebuild();
  }

  private furnishFinder(): void {
    const { words, search, notable } = this;
    this.finder.append(
      el("label", { for: search.id, text: words.in(SENSOR_WORDS.search) }),
      search,
      el(
        "div",
        { class: "layer-head" },
        el("label", { for: notable.id, text: words.in(SENSOR_WORDS.notableOnly) }),
        notable,
      ),
      this.found,
    );
    for (const input of [search, notable]) {
      input.addEventListener("input", () => {
        this.refresh();
        this.unfoldFound();
      });
    }
  }

  private get wish(): Wish {
    return { text: this.search.value, isNotableOnly: this.notable.checked };
  }

  private get isSearching(): boolean {
    return this.notable.checked || this.search.value.trim() !== "";
  }

  /** Open the sites in which something was found, and close them again after the search. */
  private unfoldFound(): void {
    const sections = [...this.sites.querySelectorAll<HTMLDetailsElement>(".site")];
    const rows = [...this.rows.values()].filter(({ element }) => element.parentElement?.hidden === false);
    const isOpen = sections.length === 1 || (this.isSearching && rows.length <= MOST_UNFOLDED);
    for (const section of sections) section.open = isOpen;
  }

  /** Say how many were found, and leave out sites in which none was. */
  private showFound(shown: ReadonlyMap<string, number>, all: number): void {
    for (const section of this.sites.querySelectorAll<HTMLElement>(".site")) {
      section.hidden = !shown.has(section.dataset.site ?? "");
    }
    const count = [...shown.values()].reduce((sum, here) => sum + here, 0);
    const text = this.isSearching ? this.words.in(SENSOR_WORDS.foundCount, { count, all }) : "";
    if (this.found.textContent !== text) this.found.textContent = text;
    this.finder.hidden = all < WORTH_SEARCHING;
  }

  private markerSwitch(markers: { isShown: boolean }): HTMLElement {
    const input = el("input", { type: "checkbox", role: "switch", id: "show-markers" });
    input.checked = markers.isShown;
    input.addEventListener("change", () => {
      markers.isShown = input.checked;
    });
    const label = el("label", { for: "show-markers", text: this.words.in(SENSOR_WORDS.showMarkers) });
    return el("div", { class: "layer-head" }, label, input);
  }

  setLine({ text, tone }: LineState): void {
    if (this.line.textContent === text && this.line.dataset.tone === tone) return;
    this.line.dataset.tone = tone;
    this.line.replaceChildren(icon(tone === "live" ? "live" : "retry"), el("span", { text }));
  }

  setChosen(id: string | null): void {
    this.chosen = id;
    for (const [key, { element }] of this.rows) mark(element, key === id);
  }

  /** Everything anew: sensors came or went. The focus stays with the sensor or site that it was at. */
  rebuild(): void {
    const { words, book } = this;
    const focused = document.activeElement?.closest<HTMLElement>("[data-sensor], [data-site]") ?? null;
    const open = new Set(
      [...this.sites.querySelectorAll<HTMLDetailsElement>("details[open]")].map(({ dataset }) => dataset.site ?? ""),
    );
    this.rows.clear();
    this.summaries.clear();
    const sites = bySite(book.things.values());
    this.sites.replaceChildren(
      ...sites.map(([site, things]) => this.siteSection(site, things, open.has(site) || sites.length === 1)),
    );
    if (sites.length === 0) {
      const word = book.lastHeard === null ? SENSOR_WORDS.waitingFirst : SENSOR_WORDS.empty;
      this.sites.append(el("p", { class: "quiet", text: words.in(word) }));
    }
    this.legend.replaceChildren(
      ...meanings(book.properties.values(), words).map(({ shape, isOld, text }) =>
        el("li", {}, shapeSign(shape, isOld, 26), el("span", {}, foreign(text))),
      ),
    );
    this.refresh();
    this.refreshAlerts();
    if (focused && !focused.isConnected) this.refocus(focused.dataset);
  }

  private refocus({ sensor, site }: DOMStringMap): void {
    const row = sensor === undefined ? null : this.rows.get(sensor)?.element;
    const summary = this.sites.querySelector<HTMLElement>(`[data-site="${CSS.escape(site ?? "")}"] > summary`);
    (row ?? summary)?.focus({ preventScroll: true });
  }

  /** Words and figures anew, where they differ. */
  refresh(): void {
    const now = this.book.now;
    const { wish } = this;
    const shown = new Map<string, number>();
    const worst = new Map<string, { condition: Condition; counts: Map<string, number>; all: number }>();
    for (const thing of this.book.things.values()) {
      const condition = conditionOf(thing, this.book.properties, now);
      const known = worst.get(thing.site);
      const counts = known?.counts ?? new Map<string, number>();
      const state = stateWord(condition, this.words);
      counts.set(state, (counts.get(state) ?? 0) + 1);
      const graver = !known || condition.severity > known.condition.severity ? condition : known.condition;
      worst.set(thing.site, { condition: graver, counts, all: (known?.all ?? 0) + 1 });
      const row = this.rows.get(thing.id);
      if (!row) continue;
      this.refreshRow(row, thing, condition, now);
      const isShown = isWished(wish, row.names, condition);
      if (row.element.parentElement) row.element.parentElement.hidden = !isShown;
      if (isShown) shown.set(thing.site, (shown.get(thing.site) ?? 0) + 1);
    }
    this.showFound(shown, this.book.things.size);
    for (const [site, { condition, counts, all }] of worst) {
      const summary = this.summaries.get(site);
      const word = stateWord(condition, this.words);
      const count = counts.get(word) ?? 0;
      const look = [condition.shape, word, count, all].join("|");
      if (!summary || summary.look === look) continue;
      summary.look = look;
      summary.element.replaceChildren(this.siteState(word, count, all));
      summary.sign.replaceChildren(shapeSign(condition.shape, condition.isOld, 28));
    }
  }

  /** Open a site's list and go to it. */
  openSite(site: string): void {
    const section = this.sites.querySelector<HTMLDetailsElement>(`[data-site="${CSS.escape(site)}"]`);
    if (!section) return;
    section.open = true;
    section.scrollIntoView({ block: "nearest" });
  }

  /** The alerts anew; the focus stays with the one it was at. */
  refreshAlerts(): void {
    const { book, words } = this;
    const focused = document.activeElement;
    const key = focused instanceof HTMLElement && this.alerts.contains(focused) ? focused.dataset.key : undefined;
    const { open, over } = book;
    const list = (alerts: readonly Alert[]): HTMLElement =>
      el("ul", { class: "alerts" }, ...alerts.map((alert) => this.alertItem(alert)));
    this.alerts.replaceChildren(
      open.length === 0
        ? el("p", { class: "quiet", text: words.in(SENSOR_WORDS.noAlerts) })
        : list(open.slice(0, ALERTS_AT_ONCE)),
      ...(open.length > ALERTS_AT_ONCE ? [this.folded("more", open.slice(ALERTS_AT_ONCE), list)] : []),
      ...(over.length > 0 ? [this.folded("over", over.slice(0, 50), list)] : []),
    );
    if (key !== undefined) this.alerts.querySelector<HTMLElement>(`[data-key="${CSS.escape(key)}"]`)?.focus();
  }

  private folded(
    key: "more" | "over",
    alerts: readonly Alert[],
    list: (alerts: readonly Alert[]) => HTMLElement,
  ): HTMLElement {
    const word = key === "more" ? SENSOR_WORDS.moreAlerts : SENSOR_WORDS.overAlerts;
    const section = el(
      "details",
      { class: "over" },
      el("summary", { text: this.words.in(word, { count: alerts.length }), "data-key": key }),
      list(alerts),
    );
    section.open = this.unfolded.has(key);
    section.addEventListener("toggle", () => {
      if (section.open) this.unfolded.add(key);
      else this.unfolded.delete(key);
    });
    return section;
  }

  private siteState(word: string, count: number, all: number): string {
    const { words } = this;
    const amount = words.in(all === 1 ? SENSOR_WORDS.siteCountOne : SENSOR_WORDS.siteCount, { count: all });
    if (word === "") return amount;
    if (all === 1) return `${amount}: ${word}`;
    return count === all
      ? words.in(SENSOR_WORDS.allOf, { count: all, word })
      : words.in(SENSOR_WORDS.clusterWord, { count, all, word });
  }

  private siteSection(site: string, things: readonly Thing[], isOpen: boolean): HTMLElement {
    const { words } = this;
    const state = el("small");
    const sign = el("span", { class: "site-sign" });
    this.summaries.set(site, { element: state, sign, look: "" });
    const [first] = things;
    const title = (site === "" ? words.in(SENSOR_WORDS.noSite) : first?.siteName) || site;
    const section = el(
      "details",
      { class: "site", "data-site": site },
      el("summary", {}, sign, el("span", { class: "site-name" }, foreign(title), state)),
      el("ul", {}, ...things.map((thing) => this.sensorRow(thing))),
    );
    section.open = isOpen;
    return section;
  }

  private sensorRow(thing: Thing): HTMLElement {
    const button = el("button", {
      type: "button",
      class: "sensor-row",
      "data-sensor": thing.id,
      act: () => this.actions.choose(thing.id),
    });
    mark(button, thing.id === this.chosen);
    const names = folded([thing.siteName, thing.site, placeName(thing, this.words), thing.name].join(" "));
    this.rows.set(thing.id, { element: button, names, look: "" });
    return el("li", {}, button);
  }

  private refreshRow(row: Row, thing: Thing, condition: Condition, now: number): void {
    const { words } = this;
    const { property, value, shape } = condition;
    const figure = property && value && shape !== "silent" ? measured(value.value, property, words.language) : "";
    const word = conditionWord(condition, thing, now, words);
    const look = [shape, condition.isOld, figure, word, thing.room, thing.name].join("|");
    if (row.look === look) return;
    row.look = look;
    row.element.dataset.state = shape;
    row.element.replaceChildren(
      shapeSign(shape, condition.isOld, 26),
      el("span", { class: "room" }, foreign(placeName(thing, words))),
      el("span", { class: "word", text: word }),
      el("span", { class: "figure", text: figure }),
    );
  }

  private alertItem(alert: Alert): HTMLElement {
    const { words, book, actions } = this;
    const now = book.now;
    const since =
      alert.closed === null
        ? words.in(SENSOR_WORDS.since, { time: at(alert.opened, now, words) })
        : words.in(SENSOR_WORDS.fromTo, { from: at(alert.opened, now, words), to: at(alert.closed, now, words) });
    const { change } = actions;
    const canChange = change !== null && alert.closed === null;
    return el(
      "li",
      { "data-alert": alert.id, "data-rank": alert.rank, "data-over": alert.closed !== null },
      el(
        "button",
        {
          type: "button",
          class: "alert-text",
          "data-key": `alert-${alert.id}`,
          act: () => actions.choose(alert.thing),
        },
        // The first level that is told is the one after the best.
        shapeSign(alert.isSilence ? "silent" : levelShape(alert.rank + 1), false, 28),
        el("span", {}, foreign(alert.text), el("small", { text: since })),
      ),
      alert.acknowledged !== null && el("p", { class: "quiet", text: this.acknowledgement(alert) }),
      canChange &&
        el(
          "p",
          { class: "alert-actions" },
          alert.acknowledged === null && this.action(alert, "acknowledge", change),
          this.action(alert, "close", change),
        ),
    );
  }

  private acknowledgement(alert: Alert): string {
    const time = at(alert.acknowledged ?? 0, this.book.now, this.words);
    return alert.acknowledgedBy
      ? this.words.in(SENSOR_WORDS.acknowledgedBy, { name: alert.acknowledgedBy, time })
      : this.words.in(SENSOR_WORDS.acknowledged, { time });
  }

  private action(
    alert: Alert,
    what: "acknowledge" | "close",
    change: (alert: Alert, what: "acknowledge" | "close") => void,
  ): HTMLElement {
    const word = what === "close" ? SENSOR_WORDS.closeAlert : SENSOR_WORDS.acknowledge;
    return el("button", {
      type: "button",
      class: "quiet-button",
      text: this.words.in(word),
      "data-key": `${what}-${alert.id}`,
      act: () => change(alert, what),
    });
  }
}

function mark(element: HTMLElement, isChosen: boolean): void {
  if (isChosen) element.setAttribute("aria-current", "true");
  else element.removeAttribute("aria-current");
}

/** Sites by name, their sensors by storey and room as people count them. */
export function bySite(things: Iterable<Thing>): readonly (readonly [string, readonly Thing[]])[] {
  const order = new Intl.Collator("de", { numeric: true });
  const sites = new Map<string, Thing[]>();
  for (const thing of things) {
    const known = sites.get(thing.site);
    if (known) known.push(thing);
    else sites.set(thing.site, [thing]);
  }
  const name = (members: readonly Thing[]): string => members[0]?.siteName || members[0]?.site || "";
  return [...sites]
    .map(([site, members]): [string, Thing[]] => [
      site,
      members.sort((a, b) => order.compare(a.room || a.name, b.room || b.name) || order.compare(a.id, b.id)),
    ])
    .sort(([a, one], [b, other]) => Number(a === "") - Number(b === "") || order.compare(name(one), name(other)));
}
