import { describe, expect, it } from "vitest";
import { ago, at } from "../../src/sensors/ages";
import { levelOf } from "../../src/sensors/levels";
import { type Point, parseSeries } from "../../src/sensors/protocol";
import { scale, segments, ticks } from "../../src/sensors/scale";
import { Words } from "../../src/twin/words";
import { HOUR, iso, MINUTE, NOW, PROPERTIES } from "./messages";

const LEVELS = PROPERTIES.co2.levels;
const DE = new Words("de");

function points(...values: readonly (readonly [number, number | null])[]): Point[] {
  return values.map(([time, value]) => ({ time: time * MINUTE, value }));
}

describe("an axis", () => {
  it("holds all values and the first threshold", () => {
    const { low, high, ticks: marks } = scale([430, 460], LEVELS);
    expect(low).toBeLessThanOrEqual(400);
    expect(high).toBeGreaterThanOrEqual(1200);
    expect(marks).toContain(1000);
  });

  it("holds both limits where too little is as bad as too much, and no more", () => {
    const comfort = [
      { from: null, name: "zu kalt", rank: 1 },
      { from: 19, name: "gut", rank: 0 },
      { from: 26, name: "zu warm", rank: 1 },
    ];
    const { low, high } = scale([21, 22], comfort);
    expect([low, high]).toEqual([15, 30]);
  });

  it("reaches as far as the worst value", () => {
    expect(scale([430, 4700], LEVELS).high).toBeGreaterThanOrEqual(4700);
  });

  it.each([[[21.4, 21.6]], [[20, 24]], [[3.02, 3.05]], [[-4, 3]], [[0, 0]], [[7]], [[]]])(
    "has a handful of round ticks for %j",
    (values) => {
      const { low, high, ticks: marks } = scale(values, []);
      expect(marks.length).toBeGreaterThanOrEqual(2);
      expect(marks.length).toBeLessThanOrEqual(8);
      for (const value of values) expect(value >= low && value <= high).toBe(true);
      expect(high).toBeGreaterThan(low);
      expect(marks.every((mark) => mark >= low - 1e-9 && mark <= high + 1e-9)).toBe(true);
    },
  );

  it("does not go below zero for what cannot", () => {
    expect(scale([0, 3], []).low).toBe(0);
  });

  it("writes full hours of legal time, away from the edges", () => {
    const hourOf = (instant: number): number => new Date(instant).getUTCHours();
    const found = ticks(NOW - 24 * HOUR, NOW, hourOf).map(({ text }) => text);
    expect(found).toEqual(["12", "16", "20", "0", "4"]);
  });
});

describe("a line", () => {
  it("ends where no value came for too long: gaps are gaps", () => {
    const runs = segments(points([0, 1], [10, 2], [20, 3], [60, 4], [70, 5]), 35 * MINUTE);
    expect(runs.map((run) => run.map(({ value }) => value))).toEqual([
      [1, 2, 3],
      [4, 5],
    ]);
  });

  it("ends at a value that means nothing, and keeps one that stands alone", () => {
    const runs = segments(points([0, 1], [10, null], [20, 3], [30, null], [40, 5], [50, 6]), 35 * MINUTE);
    expect(runs.map((run) => run.map(({ value }) => value))).toEqual([[1], [3], [5, 6]]);
  });

  it("of nothing is nothing", () => {
    expect(segments([], 1)).toEqual([]);
  });
});

describe("levels", () => {
  it.each([
    [999.9, 0],
    [1000, 1],
    [2000, 2],
    [9000, 2],
  ])("%d ppm is in level %d", (value, index) => {
    expect(levelOf(value, LEVELS)).toBe(index);
  });
});

describe("times as people say them", () => {
  it.each([
    [20_000, "gerade eben"],
    [MINUTE, "vor 1 Minute"],
    [3.9 * MINUTE, "vor 3 Minuten"],
    [HOUR, "vor 1 Stunde"],
    [26 * HOUR, "vor 1 Tag"],
    [50 * HOUR, "vor 2 Tagen"],
    [-5_000, "gerade eben"],
  ])("%d ms ago", (age, text) => {
    expect(ago(NOW - age, NOW, DE)).toBe(text);
  });

  it("names the day where it is another one, by German time", () => {
    expect(at(NOW - HOUR, NOW, DE)).toBe("08:15 Uhr");
    expect(at(NOW - 12 * HOUR, NOW, DE)).toBe("gestern, 21:15 Uhr");
    expect(at(Date.parse("2026-11-19T23:30:00Z"), NOW, DE)).toBe("00:30 Uhr");
    expect(at(NOW - 72 * HOUR, NOW, DE)).toBe("17.11.2026, 09:15 Uhr");
  });
});

describe("a series", () => {
  it("is read as the server writes it", () => {
    const series = parseSeries({
      ...PROPERTIES.co2,
      property: "co2",
      from: iso(NOW - HOUR),
      to: iso(NOW),
      resolution: "hour",
      gap: 5400,
      times: [NOW - HOUR, NOW],
      values: [500, null],
      lows: [480, 490],
      highs: [520, 530],
    });
    expect(series).toMatchObject({ isHourly: true, gap: 5_400_000 });
    expect(series.points).toEqual([
      { time: NOW - HOUR, value: 500 },
      { time: NOW, value: null },
    ]);
  });
});
