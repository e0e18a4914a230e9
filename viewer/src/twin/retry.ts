/** How long to wait before the next attempt: 5, 10, 20, then 30 seconds. */
export function waitSeconds(failures: number): number {
  return Math.min(5 * 2 ** Math.max(failures - 1, 0), 30);
}

/** Counts down once a second and then acts; `now()` acts at once, `stop()` never. */
export class Countdown {
  private timer: ReturnType<typeof setInterval> | null = null;

  constructor(
    private left: number,
    private readonly tick: (secondsLeft: number) => void,
    private readonly act: () => void,
  ) {}

  start(): void {
    this.tick(this.left);
    this.timer = setInterval(() => {
      this.left -= 1;
      if (this.left > 0) this.tick(this.left);
      else this.now();
    }, 1000);
  }

  now(): void {
    this.stop();
    this.act();
  }

  stop(): void {
    if (this.timer !== null) clearInterval(this.timer);
    this.timer = null;
  }
}
