import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Countdown, waitSeconds } from "../src/twin/retry";

describe("waitSeconds", () => {
  it("grows, but not for ever", () => {
    expect([1, 2, 3, 4, 50].map(waitSeconds)).toEqual([5, 10, 20, 30, 30]);
  });
});

describe("Countdown", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it("counts down and acts once", () => {
    const ticks: number[] = [];
    const act = vi.fn();
    new Countdown(3, (left) => ticks.push(left), act).start();
    vi.advanceTimersByTime(10_000);
    expect(ticks).toEqual([3, 2, 1]);
    expect(act).toHaveBeenCalledTimes(1);
  });

  it("acts at once when asked, and then no more", () => {
    const act = vi.fn();
    const countdown = new Countdown(5, () => undefined, act);
    countdown.start();
    countdown.now();
    vi.advanceTimersByTime(10_000);
    expect(act).toHaveBeenCalledTimes(1);
  });
});
