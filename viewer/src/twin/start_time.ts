import { type CivilTime, civilTime, instantOf } from "./civil_time";
import { sunPosition } from "./sun";

const ENOUGH_LIGHT = 10;
const PREFERRED = [10 * 60, 15 * 60, 11 * 60, 12 * 60 + 30];

/** Now, while the sun stands well above the horizon; else an hour of today with good light, so that nobody opens the page to a dark scene. */
export function startTime(now: Date, longitude: number, latitude: number): CivilTime {
  const civil = civilTime(now);
  if (sunPosition(now, longitude, latitude).elevation >= ENOUGH_LIGHT) return civil;
  const hours = PREFERRED.map((minutes) => ({ date: civil.date, minutes }));
  const bright = hours.find((hour) => {
    const instant = instantOf(hour);
    return instant !== null && sunPosition(instant, longitude, latitude).elevation >= ENOUGH_LIGHT;
  });
  return bright ?? { date: civil.date, minutes: 12 * 60 + 30 };
}
