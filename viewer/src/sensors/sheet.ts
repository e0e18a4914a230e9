/** What the sheet beside the scene shows of one sensor. */

import type { Words } from "../twin/words";
import { el, foreign } from "../ui/dom";
import { agoAt, at } from "./ages";
import type { Book } from "./book";
import { chart, seriesTable } from "./chart";
import { conditionOf, measured } from "./condition";
import type { Series, Thing } from "./protocol";
import { shapeSign } from "./shapes";
import { conditionWord, placeName, SENSOR_WORDS } from "./words";
import "./sheet.css";

/** The sheet of one sensor; its parts follow the book without being built anew, so that focus and place stay. */
export class SensorSheet {
  readonly title: string;
  readonly subtitle: string;
  readonly content: readonly Node[];
  private readonly head = el("div", { class: "reading", "aria-live": "off" });
  private readonly others = el("dl", { class: "facts" });
  private readonly othersHeading = el("h3");
  private readonly alerts = el("ul", { class: "alerts" });
  private readonly history = el("div", { class: "history" });
  private readonly heading = el("h3");
  private isTable = false;
  private series: Series | "loading" | "failed" = "loading";

  constructor(
    readonly id: string,
    private readonly book: Book,
    private readonly words: Words,
    private readonly load: (id: string, property: string) => Promise<Series>,
    extra: readonly Node[],
  ) {
    const thing = this.thing;
    this.title = thing ? placeName(thing, words) : id;
    this.subtitle = thing ? [thing.siteName || thing.site, thing.municipality].filter(Boolean).join(", ") : "";
    this.content = [
      this.head,
      this.alerts,
      ...extra,
      this.heading,
      this.history,
      this.othersHeading,
      this.others,
      ...(thing ? [this.about(thing)] : []),
    ];
    this.refresh();
    this.loadHistory();
  }

  private get thing(): Thing | undefined {
    return this.book.things.get(this.id);
  }

  /** Take up what the book knows now. */
  refresh(): void {
    const { thing, words, book } = this;
    if (!thing) return;
    const now = book.now;
    const condition = conditionOf(thing, book.properties, now);
    const { property, value, shape } = condition;
    const figure = property && value && shape !== "silent" ? measured(value.value, property, words.language) : "–";
    this.head.dataset.state = shape;
    this.head.replaceChildren(
      shapeSign(shape, condition.isOld, 56),
      el(
        "div",
        {},
        el(
          "p",
          { class: "big" },
          el("span", { class: "what", text: property ? words.in(property.name) : "" }),
          el("strong", { text: figure }),
        ),
        el("p", { class: "word", text: conditionWord(condition, thing, now, words) }),
        el("p", {
          class: "age",
          text: value ? agoAt(value.time, now, words) : words.in(SENSOR_WORDS.never),
        }),
      ),
    );
    this.fillOthers(thing, property?.key ?? null);
    const open = book.open.filter(({ thing: id }) => id === this.id);
    this.alerts.replaceChildren(
      ...open.map(({ text, opened }) =>
        el(
          "li",
          {},
          foreign(text),
          el("small", { text: words.in(SENSOR_WORDS.since, { time: at(opened, now, words) }) }),
        ),
      ),
    );
    this.alerts.hidden = open.length === 0;
  }

  /** Take up a new value into the chart that is shown. */
  extend(): void {
    const { series, thing } = this;
    if (typeof series === "string" || !thing || series.isHourly) return;
    const value = thing.latest.get(series.property.key);
    const last = series.points[series.points.length - 1];
    if (!value || (last && value.time <= last.time)) return;
    const shift = Math.max(value.time - series.to, 0);
    const from = series.from + shift;
    this.series = {
      ...series,
      from,
      to: series.to + shift,
      points: [
        ...series.points.filter(({ time }) => time >= from),
        { time: value.time, value: value.isImplausible ? null : value.value },
      ],
    };
    this.drawHistory();
  }

  private fillOthers(thing: Thing, main: string | null): void {
    const { words, book } = this;
    const rows = [...book.properties.values()].flatMap((property) => {
      const value = thing.latest.get(property.key);
      if (!value || property.key === main) return [];
      const text = value.isImplausible
        ? words.in(SENSOR_WORDS.implausibleNote)
        : measured(value.value, property, words.language);
      return [
        el(
          "div",
          { "data-property": property.key },
          el("dt", { text: words.in(property.name) }),
          el("dd", { class: "figure" }, foreign(text)),
        ),
      ];
    });
    this.others.replaceChildren(...rows);
    this.othersHeading.textContent = words.in(SENSOR_WORDS.otherValues);
    this.others.hidden = this.othersHeading.hidden = rows.length === 0;
  }

  private about(thing: Thing): HTMLElement {
    const { words } = this;
    const rows = (
      [
        [SENSOR_WORDS.site, thing.siteName],
        [SENSOR_WORDS.storey, thing.storey],
        [SENSOR_WORDS.roomLabel, thing.room],
        [SENSOR_WORDS.municipality, thing.municipality],
        [SENSOR_WORDS.name, thing.name],
      ] as const
    ).filter(([, value]) => value !== "");
    return el(
      "details",
      { class: "more" },
      el("summary", { text: words.in(SENSOR_WORDS.about) }),
      el(
        "dl",
        { class: "facts" },
        ...rows.map(([name, value]) => el("div", {}, el("dt", { text: words.in(name) }), el("dd", {}, foreign(value)))),
      ),
      thing.isSynthetic && el("p", { class: "quiet", text: words.in(SENSOR_WORDS.synthetic) }),
    );
  }

  private loadHistory(): void {
    const { thing, book } = this;
    const property = thing && conditionOf(thing, book.properties, book.now).property;
    const unit = property?.unit ?? "";
    this.heading.textContent =
      unit === ""
        ? this.words.in(SENSOR_WORDS.lastDay)
        : this.words.in(SENSOR_WORDS.lastDayIn, { name: this.words.in(property?.name ?? SENSOR_WORDS.name), unit });
    if (!property) {
      this.history.replaceChildren(el("p", { class: "quiet", text: this.words.in(SENSOR_WORDS.chartEmpty) }));
      return;
    }
    this.series = "loading";
    this.drawHistory();
    this.load(this.id, property.key).then(
      (series) => {
        this.series = series;
        this.drawHistory();
        this.extend();
      },
      () => {
        this.series = "failed";
        this.drawHistory();
      },
    );
  }

  private drawHistory(): void {
    const { words, series, history } = this;
    if (series === "loading") {
      history.replaceChildren(
        el("p", { class: "visually-hidden", text: words.in(SENSOR_WORDS.chartLoading) }),
        el("div", { class: "plot-skeleton", "aria-hidden": "true" }),
      );
      return;
    }
    if (series === "failed") {
      history.replaceChildren(
        el("p", { text: words.in(SENSOR_WORDS.chartFailed) }),
        el("button", {
          type: "button",
          class: "quiet-button",
          text: words.in(SENSOR_WORDS.again),
          act: () => this.loadHistory(),
        }),
      );
      return;
    }
    if (series.points.length === 0) {
      history.replaceChildren(el("p", { class: "quiet", text: words.in(SENSOR_WORDS.chartEmpty) }));
      return;
    }
    const hadFocus = history.querySelector(".plot, .table") === document.activeElement;
    const width = Math.max(Math.min(history.clientWidth || 320, 560), 240);
    const now = this.book.now;
    const view = this.isTable ? seriesTable(series, now, words) : chart(series, width, now, words);
    const hasValues = series.points.some(({ value }) => value !== null);
    history.replaceChildren(
      hasValues || this.isTable ? view : el("p", { class: "quiet", text: words.in(SENSOR_WORDS.chartEmpty) }),
      this.viewSwitch(),
    );
    if (hadFocus) history.querySelector<HTMLElement>(".plot, .table")?.focus({ preventScroll: true });
  }

  private viewSwitch(): HTMLElement {
    const { words } = this;
    const choices = [false, true].map((isTable) => {
      const id = isTable ? "history-table" : "history-chart";
      const input = el("input", { type: "radio", name: "history", id });
      input.checked = isTable === this.isTable;
      input.addEventListener("change", () => {
        this.isTable = isTable;
        this.drawHistory();
        document.getElementById(id)?.focus();
      });
      const word = isTable ? SENSOR_WORDS.table : SENSOR_WORDS.chart;
      return el("div", { class: "choice" }, input, el("label", { for: id, text: words.in(word) }));
    });
    return el(
      "fieldset",
      { class: "setting view-switch" },
      el("legend", { class: "visually-hidden", text: words.in(SENSOR_WORDS.lastDay) }),
      el("div", { class: "choices" }, ...choices),
    );
  }
}
