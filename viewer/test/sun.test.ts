import { describe, expect, it } from "vitest";
import { daylight } from "../src/twin/daylight";
import { startTime } from "../src/twin/start_time";
import { sunPosition } from "../src/twin/sun";

describe("sunPosition", () => {
  // NREL's Solar Position Algorithm, its published example: azimuth 194.340°, zenith 50.112° with refraction (0.016°).
  it("agrees with the published example of NREL's algorithm", () => {
    const sun = sunPosition(new Date("2003-10-17T19:30:30Z"), -105.1786, 39.742476);
    expect(sun.azimuth).toBeCloseTo(194.34, 1);
    expect(sun.elevation).toBeCloseTo(90 - 50.112 - 0.016, 1);
  });

  it("stands due south at noon and as high as latitude and season say", () => {
    // Solstice 2026-06-21: declination 23.44°, so 90 - 51.2 + 23.44 at Neuss.
    let highest = { azimuth: 0, elevation: -90 };
    for (let minute = 0; minute < 1440; minute += 1) {
      const sun = sunPosition(new Date(Date.UTC(2026, 5, 21, 0, minute)), 6.69, 51.2);
      if (sun.elevation > highest.elevation) highest = sun;
    }
    expect(highest.elevation).toBeCloseTo(62.24, 1);
    expect(Math.abs(highest.azimuth - 180)).toBeLessThan(0.5);
  });

  it("rises in the east and sets in the west", () => {
    expect(sunPosition(new Date("2026-03-20T06:00:00Z"), 6.69, 51.2).azimuth).toBeLessThan(180);
    expect(sunPosition(new Date("2026-03-20T17:00:00Z"), 6.69, 51.2).azimuth).toBeGreaterThan(180);
  });
});

describe("daylight", () => {
  it("has neither jump nor colour out of range from night to noon", () => {
    let before = daylight(-90);
    for (let elevation = -90; elevation <= 90; elevation += 0.25) {
      const now = daylight(elevation);
      for (const key of ["sun", "sky", "zenith", "horizon"] as const) {
        now[key].forEach((value, i) => {
          expect(value).toBeGreaterThanOrEqual(0);
          expect(value).toBeLessThanOrEqual(1);
          expect(Math.abs(value - (before[key][i] ?? 0))).toBeLessThan(0.05);
        });
      }
      before = now;
    }
  });

  it("has no sun at night", () => {
    expect(daylight(-20).sun).toEqual([0, 0, 0]);
    expect(daylight(-20).shadow).toBe(1);
  });
});

describe("startTime", () => {
  it("is now by day", () => {
    expect(startTime(new Date("2026-06-21T10:00:00Z"), 6.69, 51.2)).toEqual({ date: "2026-06-21", minutes: 720 });
  });

  it("is an hour of the same day with light when it is dark", () => {
    for (const now of ["2026-06-21T23:30:00Z", "2026-12-21T19:00:00Z"]) {
      const time = startTime(new Date(now), 6.69, 51.2);
      const utc = new Date(`${time.date}T00:00:00Z`).getTime() + (time.minutes - 60) * 60_000;
      expect(sunPosition(new Date(utc), 6.69, 51.2).elevation).toBeGreaterThan(8);
    }
  });
});
