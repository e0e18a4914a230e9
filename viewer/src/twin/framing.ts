/** Where a camera must stand so that a part of the world fills a part of the picture. */

/** East, north and up in metres. */
export type Local = readonly [number, number, number];

/** Directions of a camera, in radians: clockwise from north; negative looks down. */
export interface View {
  readonly heading: number;
  readonly pitch: number;
}

/** A part of the picture as the camera sees it: tangents of the angles from its axis. */
export interface Window {
  readonly left: number;
  readonly right: number;
  readonly bottom: number;
  readonly top: number;
}

type Axes = readonly [right: Local, up: Local, ahead: Local];

function axes({ heading, pitch }: View): Axes {
  const [sinH, cosH, sinP, cosP] = [Math.sin(heading), Math.cos(heading), Math.sin(pitch), Math.cos(pitch)];
  return [
    [cosH, -sinH, 0],
    [-sinH * sinP, -cosH * sinP, cosP],
    [sinH * cosP, cosH * cosP, sinP],
  ];
}

function dot(a: Local, b: Local): number {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

/**
 * The nearest place from which points are seen inside a window, looking in a given direction: none of `wide` is beyond
 * its sides, none of `high` beyond its top and bottom.
 *
 * For each edge of the window the camera must stand behind a plane; the planes of two opposite edges meet at a
 * smallest distance, and the larger of the two distances counts.
 */
export function standpoint(wide: readonly Local[], high: readonly Local[], view: View, window: Window): Local {
  const [right, up, ahead] = axes(view);
  const between = (
    points: readonly Local[],
    axis: 0 | 1,
    low: number,
    high: number,
  ): { least: number; middle: (away: number) => number } => {
    const seen = points.map((point): Local => [dot(right, point), dot(up, point), dot(ahead, point)]);
    const over = Math.max(...seen.map((point) => point[axis] - high * point[2]));
    const under = Math.min(...seen.map((point) => point[axis] - low * point[2]));
    return {
      least: (over - under) / (high - low),
      middle: (away) => (over - high * away + under - low * away) / 2,
    };
  };
  const horizontal = between(wide, 0, window.left, window.right);
  const vertical = between(high, 1, window.bottom, window.top);
  const away = Math.max(horizontal.least, vertical.least);
  const [x, y] = [horizontal.middle(away), vertical.middle(away)];
  const place = (i: 0 | 1 | 2): number => right[i] * x + up[i] * y - ahead[i] * away;
  return [place(0), place(1), place(2)];
}
