import { describe, expect, it } from "vitest";
import { grouped, type Spot } from "../../src/sensors/clusters";

function spot(id: string, x: number, y: number, site = "S01", severity = 10): Spot {
  return { id, x, y, site, severity };
}

function ids(spots: readonly Spot[]): string[][] {
  return grouped(spots).map((group) => group.spots.map(({ id }) => id));
}

describe("grouping markers", () => {
  it("makes one marker of a site that is small on the screen, with the gravest first", () => {
    const [group, ...others] = grouped([spot("a", 0, 0), spot("b", 90, 0, "S01", 60), spot("c", 40, 50)]);
    expect(others).toEqual([]);
    expect(group?.spots.map(({ id }) => id)).toEqual(["b", "a", "c"]);
    expect(group?.site).toBe("S01");
    expect(group?.x).toBeCloseTo(130 / 3);
  });

  it("shows each sensor where a site is large enough", () => {
    expect(ids([spot("a", 0, 0), spot("b", 100, 0), spot("c", 200, 0)])).toEqual([["a"], ["b"], ["c"]]);
  });

  it("joins what covers each other", () => {
    expect(ids([spot("a", 0, 0), spot("b", 20, 10), spot("c", 200, 0)])).toEqual([["a", "b"], ["c"]]);
  });

  it("joins nothing with the sensor that is to stand apart, unless its whole site is one marker", () => {
    const near = [spot("a", 0, 0), spot("b", 20, 10), spot("c", 200, 0)];
    const apart = grouped(near, "b").map((group) => group.spots.map(({ id }) => id));
    expect(apart).toEqual([["a"], ["c"], ["b"]]);
    expect(grouped(near.slice(0, 2), "b").length).toBe(1);
  });

  it("joins sites that meet on the screen, and then belongs to none", () => {
    const [group] = grouped([spot("a", 0, 0), spot("b", 10, 0), spot("c", 30, 0, "S02")]);
    expect(group?.spots.length).toBe(3);
    expect(group?.site).toBeNull();
    expect(group?.x).toBe(5); // the larger one keeps its place
  });

  it("never makes one marker of sensors without a site that are apart", () => {
    expect(ids([spot("a", 0, 0, ""), spot("b", 60, 0, "")])).toEqual([["a"], ["b"]]);
  });

  it("does not depend on the order of the sensors", () => {
    const spots = Array.from({ length: 60 }, (_, n) =>
      spot(String(n), (n * 37) % 400, (n * 53) % 300, `S${n % 5}`, n % 3),
    );
    expect(ids([...spots].reverse())).toEqual(ids(spots));
  });

  it("loses nobody and shows nobody twice", () => {
    const spots = Array.from({ length: 400 }, (_, n) => spot(String(n), (n * 37) % 900, (n * 53) % 600, `S${n % 13}`));
    const shown = ids(spots).flat();
    expect(shown.length).toBe(400);
    expect(new Set(shown).size).toBe(400);
  });

  it("leaves room between markers", () => {
    const groups = grouped(Array.from({ length: 400 }, (_, n) => spot(String(n), (n * 37) % 900, (n * 53) % 600, "")));
    for (const [index, a] of groups.entries()) {
      for (const b of groups.slice(index + 1)) {
        expect(Math.abs(a.x - b.x) >= 44 || Math.abs(a.y - b.y) >= 40).toBe(true);
      }
    }
  });
});
