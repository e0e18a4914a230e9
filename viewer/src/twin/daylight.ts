/** The colours of light for a sun's elevation: what an architect's model looks like at that hour. Linear RGB. */

export type Rgb = readonly [number, number, number];

export interface Daylight {
  /** Light of the sun, already weakened near the horizon. */
  readonly sun: Rgb;
  /** Light of the sky from above. */
  readonly sky: Rgb;
  /** Colour of the sky overhead and at the horizon, which is also the haze. */
  readonly zenith: Rgb;
  readonly horizon: Rgb;
  /** How much of the light a cast shadow leaves (1: no shadow). */
  readonly shadow: number;
}

interface Hour extends Daylight {
  readonly elevation: number;
}

// Chosen by eye on clay; between two rows everything is interpolated.
const HOURS: readonly Hour[] = [
  {
    elevation: -12,
    sun: [0, 0, 0],
    sky: [0.16, 0.18, 0.25],
    zenith: [0.012, 0.018, 0.04],
    horizon: [0.045, 0.055, 0.09],
    shadow: 1,
  },
  {
    elevation: -4,
    sun: [0, 0, 0],
    sky: [0.27, 0.29, 0.38],
    zenith: [0.05, 0.08, 0.16],
    horizon: [0.26, 0.22, 0.25],
    shadow: 1,
  },
  {
    elevation: 0,
    sun: [0.06, 0.035, 0.02],
    sky: [0.38, 0.4, 0.47],
    zenith: [0.13, 0.2, 0.34],
    horizon: [0.6, 0.47, 0.4],
    shadow: 0.9,
  },
  {
    elevation: 6,
    sun: [0.52, 0.36, 0.24],
    sky: [0.48, 0.5, 0.57],
    zenith: [0.21, 0.33, 0.52],
    horizon: [0.78, 0.69, 0.6],
    shadow: 0.78,
  },
  {
    elevation: 16,
    sun: [0.74, 0.65, 0.53],
    sky: [0.52, 0.55, 0.61],
    zenith: [0.25, 0.41, 0.62],
    horizon: [0.8, 0.8, 0.78],
    shadow: 0.74,
  },
  {
    elevation: 40,
    sun: [0.76, 0.71, 0.63],
    sky: [0.5, 0.53, 0.58],
    zenith: [0.24, 0.42, 0.66],
    horizon: [0.79, 0.83, 0.86],
    shadow: 0.72,
  },
  {
    elevation: 90,
    sun: [0.74, 0.71, 0.66],
    sky: [0.49, 0.52, 0.57],
    zenith: [0.23, 0.41, 0.66],
    horizon: [0.78, 0.83, 0.87],
    shadow: 0.72,
  },
];

function mix(a: number, b: number, share: number): number {
  return a + (b - a) * share;
}

function mixRgb(a: Rgb, b: Rgb, share: number): Rgb {
  return [mix(a[0], b[0], share), mix(a[1], b[1], share), mix(a[2], b[2], share)];
}

/** The light for a sun's elevation in degrees. */
export function daylight(elevation: number): Daylight {
  const later = HOURS.findIndex((hour) => hour.elevation >= elevation);
  const above = HOURS[later === -1 ? HOURS.length - 1 : later] as Hour;
  const below = HOURS[later === -1 ? HOURS.length - 1 : Math.max(later - 1, 0)] as Hour;
  const span = above.elevation - below.elevation;
  const share = span === 0 ? 0 : (elevation - below.elevation) / span;
  return {
    sun: mixRgb(below.sun, above.sun, share),
    sky: mixRgb(below.sky, above.sky, share),
    zenith: mixRgb(below.zenith, above.zenith, share),
    horizon: mixRgb(below.horizon, above.horizon, share),
    shadow: mix(below.shadow, above.shadow, share),
  };
}

/** The sRGB value (0 to 1) of a linear one. */
export function encoded(linear: number): number {
  const value = Math.min(Math.max(linear, 0), 1);
  return value <= 0.0031308 ? value * 12.92 : 1.055 * value ** (1 / 2.4) - 0.055;
}
