/** A day of one sensor as a line: bands of the levels behind it, gaps left open, every value to be had by keyboard. */

import { civilTime } from "../twin/civil_time";
import type { Words } from "../twin/words";
import { el, svg } from "../ui/dom";
import { at } from "./ages";
import { figure, levelShape, measured } from "./condition";
import { levelOf } from "./levels";
import type { Point, Property, Series } from "./protocol";
import { scale, segments, ticks } from "./scale";
import { levelWord, SENSOR_WORDS } from "./words";
import "./chart.css";

const HEIGHT = 190;
const MARGIN = { top: 12, right: 10, bottom: 24, left: 48 };
const HOUR = 3_600_000;
/** Width of a letter in the chart, on average. */
const LETTER = 6;

/** A place in the drawing. */
interface Spot {
  readonly x: number;
  readonly y: number;
}

function label(x: number, y: number, anchor: string, text: string, kind: string): SVGElement {
  return svg("text", { x, y, "text-anchor": anchor, class: kind }, text);
}

/** The chart of a series, `width` CSS pixels wide, as of `now` (milliseconds). */
export function chart(series: Series, width: number, now: number, words: Words): HTMLElement {
  const { property, points } = series;
  const known = points.flatMap(({ value }) => (value === null ? [] : [value]));
  const y = scale(known, property.levels);
  const plot = { width: width - MARGIN.left - MARGIN.right, height: HEIGHT - MARGIN.top - MARGIN.bottom };
  const left = (time: number): number => MARGIN.left + ((time - series.from) / (series.to - series.from)) * plot.width;
  const top = (value: number): number =>
    MARGIN.top + plot.height * (1 - (Math.min(Math.max(value, y.low), y.high) - y.low) / (y.high - y.low));

  const last = known[known.length - 1] ?? 0;
  const drawing = svg("svg", {
    class: "plot",
    viewBox: `0 0 ${width} ${HEIGHT}`,
    width,
    height: HEIGHT,
    role: "img",
    tabindex: 0,
    "aria-label": words.in(SENSOR_WORDS.chartLabel, {
      name: words.in(property.name),
      low: measured(Math.min(...known), property, words.language),
      high: measured(Math.max(...known), property, words.language),
      last: measured(last, property, words.language),
    }),
  });
  const drawn = points.flatMap(({ time, value }) => (value === null ? [] : [{ x: left(time), y: top(value) }]));
  const levels = bands(property, y, top, plot.width, drawn, words);
  drawing.append(...levels.map(({ area }) => area));
  for (const value of y.ticks) {
    drawing.append(
      svg("line", { class: "rule", x1: MARGIN.left, x2: MARGIN.left + plot.width, y1: top(value), y2: top(value) }),
      label(
        MARGIN.left - 6,
        top(value) + 4,
        "end",
        figure(value, { ...property, digits: y.digits }, words.language),
        "tick",
      ),
    );
  }
  for (const { time, text } of ticks(series.from, series.to, hourOf)) {
    drawing.append(
      svg("line", { class: "rule", x1: left(time), x2: left(time), y1: MARGIN.top + plot.height, y2: HEIGHT - 19 }),
      label(left(time), HEIGHT - 7, "middle", words.in(SENSOR_WORDS.hour, { hour: text }), "tick"),
    );
  }
  for (const run of segments(points, series.gap)) {
    const line = run.map(({ time, value }) => `${left(time).toFixed(1)} ${top(value).toFixed(1)}`);
    // A value between two gaps has no line, and is there.
    const [only] = run;
    if (run.length === 1 && only)
      drawing.append(svg("circle", { class: "dot", cx: left(only.time), cy: top(only.value), r: 2.5 }));
    else drawing.append(svg("path", { class: "line", d: `M${line.join("L")}` }));
  }
  const newest = drawn[drawn.length - 1];
  if (newest) drawing.append(svg("circle", { class: "dot", cx: newest.x, cy: newest.y, r: 4 }));
  for (const { time, value } of points) {
    if (value !== null) continue;
    drawing.append(label(left(time), MARGIN.top + 10, "middle", "?", "odd"));
  }
  drawing.append(...levels.flatMap(({ word }) => word ?? []));
  return withTooltip(drawing, { series, left, top, now, words, width });
}

function bands(
  property: Property,
  y: { readonly low: number; readonly high: number },
  top: (value: number) => number,
  width: number,
  line: readonly Spot[],
  words: Words,
): readonly { readonly area: SVGElement; readonly word: SVGElement | null }[] {
  return property.levels.flatMap((level, index) => {
    const from = Math.max(level.from ?? y.low, y.low);
    const to = Math.min(property.levels[index + 1]?.from ?? y.high, y.high);
    if (from >= to) return [];
    const height = top(from) - top(to);
    const kind = levelShape(level.rank);
    return [
      {
        area: svg("rect", { class: `band ${kind}`, x: MARGIN.left, y: top(to), width, height }),
        // The word stands in its band, where there is room: at the older end, or at the newer where the line is there.
        word: height > 15 ? bandWord(levelWord(level, words), top(to) + 12, width, line, `band-word ${kind}`) : null,
      },
    ];
  });
}

function bandWord(text: string, y: number, width: number, line: readonly Spot[], kind: string): SVGElement {
  const ends = [
    { x: MARGIN.left + 5, anchor: "start" },
    { x: MARGIN.left + width - 5, anchor: "end" },
  ] as const;
  const wide = text.length * LETTER;
  const quarters = line.flatMap((spot, index) => {
    const { x, y } = line[index + 1] ?? spot;
    return [0, 0.25, 0.5, 0.75].map((part) => ({ x: spot.x + part * (x - spot.x), y: spot.y + part * (y - spot.y) }));
  });
  const crossing = ends.map(({ x, anchor }) => {
    const from = anchor === "start" ? x : x - wide;
    return quarters.filter((spot) => spot.x >= from && spot.x <= from + wide && Math.abs(spot.y - (y - 4)) < 11).length;
  });
  const { x, anchor } = ends[(crossing[1] ?? 0) < (crossing[0] ?? 0) ? 1 : 0];
  return label(x, y, anchor, text, kind);
}

function hourOf(instant: number): number {
  return Math.floor(civilTime(new Date(instant)).minutes / 60);
}

interface Drawn {
  readonly series: Series;
  readonly left: (time: number) => number;
  readonly top: (value: number) => number;
  readonly now: number;
  readonly words: Words;
  readonly width: number;
}

/** `1.240 ppm, lüften` */
export function pointText(point: Point, property: Property, words: Words): string {
  if (point.value === null) return words.in(SENSOR_WORDS.implausibleNote);
  const level = property.levels[levelOf(point.value, property.levels)];
  const value = measured(point.value, property, words.language);
  return level ? `${value}, ${levelWord(level, words)}` : value;
}

function withTooltip(drawing: SVGElement, drawn: Drawn): HTMLElement {
  const { series, left, top, now, words, width } = drawn;
  const { points, property } = series;
  const cursor = svg("g", { class: "cursor", visibility: "hidden" });
  drawing.append(cursor);
  const tip = el("p", { class: "tip", hidden: true });
  const spoken = el("p", { class: "visually-hidden", "aria-live": "polite" });
  let index = -1;
  const show = (next: number, isSpoken: boolean): void => {
    const point = points[next];
    if (!point) return;
    index = next;
    const x = left(point.time);
    cursor.setAttribute("visibility", "visible");
    cursor.replaceChildren(
      svg("line", { x1: x, x2: x, y1: MARGIN.top, y2: HEIGHT - MARGIN.bottom }),
      ...(point.value === null ? [] : [svg("circle", { cx: x, cy: top(point.value), r: 4.5 })]),
    );
    const text = `${at(point.time, now, words)}: ${pointText(point, property, words)}`;
    tip.textContent = text;
    tip.hidden = false;
    tip.style.left = `${((x / width) * 100).toFixed(1)}%`;
    tip.classList.toggle("leftwards", x > width * 0.55);
    if (isSpoken) spoken.textContent = text;
  };
  const hide = (): void => {
    tip.hidden = true;
    cursor.setAttribute("visibility", "hidden");
  };
  drawing.addEventListener("pointermove", (event) => {
    const box = drawing.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * width;
    show(
      nearest(points, (point) => Math.abs(left(point.time) - x)),
      false,
    );
  });
  drawing.addEventListener("pointerleave", hide);
  drawing.addEventListener("focus", () => show(points.length - 1, false));
  drawing.addEventListener("blur", hide);
  drawing.addEventListener("keydown", (event) => {
    const steps: Record<string, number> = {
      ArrowLeft: index - 1,
      ArrowRight: index + 1,
      Home: 0,
      End: points.length - 1,
      PageUp: nearest(points, ({ time }) => Math.abs(time - (points[index]?.time ?? now) + HOUR)),
      PageDown: nearest(points, ({ time }) => Math.abs(time - (points[index]?.time ?? now) - HOUR)),
    };
    const next = steps[event.key];
    if (next === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    show(Math.min(Math.max(next, 0), points.length - 1), true);
  });
  return el("div", { class: "chart" }, drawing, tip, spoken);
}

function nearest(points: readonly Point[], distance: (point: Point) => number): number {
  let best = 0;
  points.forEach((point, index) => {
    const known = points[best];
    if (known && distance(point) < distance(known)) best = index;
  });
  return best;
}

/** The same values as a table, the newest first. */
export function seriesTable(series: Series, now: number, words: Words): HTMLElement {
  const { property } = series;
  const hasLevels = property.levels.length > 0;
  const heads = [
    words.in(SENSOR_WORDS.timeColumn),
    property.unit === "" ? words.in(property.name) : `${words.in(property.name)} (${property.unit})`,
    ...(hasLevels ? [words.in(SENSOR_WORDS.levelColumn)] : []),
  ];
  const rows = [...series.points].reverse().map((point) => {
    const index = point.value === null ? -1 : levelOf(point.value, property.levels);
    const level = property.levels[index];
    const word = level ? levelWord(level, words) : point.value === null ? words.in(SENSOR_WORDS.implausibleNote) : "";
    return el(
      "tr",
      {},
      el("th", { scope: "row", text: at(point.time, now, words) }),
      el("td", { class: "figure", text: point.value === null ? "–" : figure(point.value, property, words.language) }),
      hasLevels && el("td", { text: word }),
    );
  });
  return el(
    "div",
    { class: "table", tabindex: "0", role: "region", "aria-label": words.in(SENSOR_WORDS.lastDay) },
    el(
      "table",
      {},
      el("thead", {}, el("tr", {}, ...heads.map((text) => el("th", { scope: "col", text })))),
      el("tbody", {}, ...rows),
    ),
  );
}
