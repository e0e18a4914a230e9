/** Where the sun stands, by the low-precision formulas of the Astronomical Almanac (0.01° from 1950 to 2050). */

export interface SunPosition {
  /** Degrees clockwise from north. */
  readonly azimuth: number;
  /** Degrees above the horizon, without refraction. */
  readonly elevation: number;
}

const DEGREE = Math.PI / 180;
const J2000 = Date.UTC(2000, 0, 1, 12);
const DAY = 86_400_000;

function turn(degrees: number): number {
  return ((degrees % 360) + 360) % 360;
}

/** The sun's place in the sky at an instant, seen from a place in degrees. */
export function sunPosition(instant: Date, longitude: number, latitude: number): SunPosition {
  const days = (instant.getTime() - J2000) / DAY;
  const meanLongitude = turn(280.46 + 0.9856474 * days);
  const anomaly = turn(357.528 + 0.9856003 * days) * DEGREE;
  const ecliptic = (meanLongitude + 1.915 * Math.sin(anomaly) + 0.02 * Math.sin(2 * anomaly)) * DEGREE;
  const obliquity = (23.439 - 0.0000004 * days) * DEGREE;
  const rightAscension = Math.atan2(Math.cos(obliquity) * Math.sin(ecliptic), Math.cos(ecliptic));
  const declination = Math.asin(Math.sin(obliquity) * Math.sin(ecliptic));
  const siderealDegrees = turn(280.46061837 + 360.98564736629 * days + longitude);
  const hourAngle = siderealDegrees * DEGREE - rightAscension;
  const phi = latitude * DEGREE;
  const sine = Math.sin(phi) * Math.sin(declination) + Math.cos(phi) * Math.cos(declination) * Math.cos(hourAngle);
  const azimuth = Math.atan2(
    -Math.sin(hourAngle),
    Math.tan(declination) * Math.cos(phi) - Math.sin(phi) * Math.cos(hourAngle),
  );
  return { azimuth: turn(azimuth / DEGREE), elevation: Math.asin(sine) / DEGREE };
}
