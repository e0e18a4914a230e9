import { describe, expect, it } from "vitest";
import { type Local, standpoint, type View } from "../src/twin/framing";

const WINDOW = { left: -0.5, right: 0.4, bottom: -0.2, top: 0.25 };

function box(east: number, north: number, up: number): Local[] {
  return [-east, east].flatMap((x) => [-north, north].flatMap((y) => [0, up].map((z): Local => [x, y, z])));
}

/** Tangents under which a camera sees a point, worked out by turning the world instead of the camera. */
function seen(point: Local, camera: Local, { heading, pitch }: View): [number, number, number] {
  const [e, n, u] = [point[0] - camera[0], point[1] - camera[1], point[2] - camera[2]];
  const right = e * Math.cos(heading) - n * Math.sin(heading);
  const level = e * Math.sin(heading) + n * Math.cos(heading);
  const ahead = level * Math.cos(pitch) + u * Math.sin(pitch);
  const up = u * Math.cos(pitch) - level * Math.sin(pitch);
  return [right / ahead, up / ahead, ahead];
}

describe("standpoint", () => {
  it.each([
    ["square", 100, 100, 20, 332, -17],
    ["long from west to east", 500, 40, 10, 332, -17],
    ["long from south to north", 40, 500, 10, 298, -17],
    ["high", 10, 10, 150, 45, -10],
    ["upright", 200, 300, 30, 332, -33],
    ["straight down", 200, 300, 30, 0, -90],
  ])("has all points inside the window and touches its edges: %s", (_name, east, north, up, heading, pitch) => {
    const view = { heading: (heading * Math.PI) / 180, pitch: (pitch * Math.PI) / 180 };
    const camera = standpoint(box(east, north, up), box(east, north, up), view, WINDOW);
    const points = box(east, north, up).map((point) => seen(point, camera, view));
    const [x, y] = [points.map((point) => point[0]), points.map((point) => point[1])];
    expect(Math.min(...points.map((point) => point[2]))).toBeGreaterThan(0);
    for (const [values, low, high] of [
      [x, WINDOW.left, WINDOW.right],
      [y, WINDOW.bottom, WINDOW.top],
    ] as const) {
      expect(Math.min(...values)).toBeGreaterThan(low - 1e-9);
      expect(Math.max(...values)).toBeLessThan(high + 1e-9);
    }
    // As near as can be: from edge to edge in one direction at least.
    const across = [Math.min(...x) - WINDOW.left, WINDOW.right - Math.max(...x)].every((gap) => gap < 1e-9);
    const along = [Math.min(...y) - WINDOW.bottom, WINDOW.top - Math.max(...y)].every((gap) => gap < 1e-9);
    expect(across || along).toBe(true);
  });

  it("asks of some points the sides alone, of others top and bottom alone", () => {
    const view = { heading: 0, pitch: 0 };
    const alone = standpoint(
      [
        [-50, 0, 0],
        [50, 0, 0],
      ],
      [
        [0, 0, -20],
        [0, 0, 20],
      ],
      view,
      WINDOW,
    );
    // 100 m between -0.5 and 0.4 are seen from 111.1 m, 40 m between -0.2 and 0.25 from 88.9 m.
    expect(alone[1]).toBeCloseTo(-100 / 0.9, 9);
    expect(alone[0]).toBeCloseTo((0.05 * 100) / 0.9, 9);
    expect(alone[2]).toBeCloseTo((-0.025 * 100) / 0.9, 9);
  });
});
