/** The line to the server: one WebSocket, or a stream of events where something between does not let WebSockets through. */

/** Where the line stands. */
export type Line =
  | { readonly kind: "connecting" }
  | { readonly kind: "live" }
  /** The next attempt begins at `until` (milliseconds since 1970). */
  | { readonly kind: "waiting"; readonly until: number };

/** What a transport tells. */
export interface Ear {
  readonly data: (data: string) => void;
  readonly ended: () => void;
}

/** Opens one way to hear the server; the result ends it. */
export type Transport = (since: string | null, ear: Ear) => () => void;

export interface FeedOptions {
  /** Tried in turn; the first is the one that is wanted. */
  readonly transports: readonly [Transport, ...Transport[]];
  /** Where to go on from. */
  readonly position: () => string | null;
  readonly heard: (data: string) => void;
  readonly changed: (line: Line) => void;
  readonly random?: () => number;
  readonly clock?: () => number;
}

/** The server says something at least every 15 seconds: who hears nothing for this long has lost it. */
const SILENCE_MS = 40_000;
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 30_000;

/** Milliseconds before an attempt: 1, 2, 4 … 30 seconds, of which a random half, so that not all come back at once. */
export function waitBefore(failures: number, random: number): number {
  const longest = Math.min(FIRST_WAIT_MS * 2 ** Math.max(failures - 1, 0), LONGEST_WAIT_MS);
  return longest * (0.5 + random / 2);
}

/** Keeps a line to the server, whatever it takes. */
export class Feed {
  private line: Line = { kind: "connecting" };
  private end: (() => void) | null = null;
  private failures = 0;
  private turn = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly options: FeedOptions) {}

  get state(): Line {
    return this.line;
  }

  start(): void {
    this.connect();
  }

  stop(): void {
    clearTimeout(this.timer);
    this.end?.();
    this.end = null;
  }

  /** Try again now, if the line is down: the network is back, or somebody looks at the page again. */
  hurry(): void {
    if (this.line.kind === "waiting") this.connect();
  }

  private connect(): void {
    const { transports, position, heard } = this.options;
    this.stop();
    this.tell({ kind: "connecting" });
    const transport = transports[this.turn % transports.length] ?? transports[0];
    let hasHeard = false;
    let isOver = false;
    const lost = (): void => {
      if (isOver) return;
      isOver = true;
      // A way that never spoke may be barred: the next attempt goes another.
      if (!hasHeard) this.turn += 1;
      this.failed();
    };
    const watch = (): void => {
      clearTimeout(this.timer);
      this.timer = setTimeout(lost, SILENCE_MS);
    };
    watch();
    this.end = transport(position(), {
      data: (data) => {
        if (isOver) return;
        if (!hasHeard) {
          hasHeard = true;
          this.failures = 0;
          this.tell({ kind: "live" });
        }
        watch();
        heard(data);
      },
      ended: lost,
    });
  }

  private failed(): void {
    const { random = Math.random, clock = Date.now } = this.options;
    this.stop();
    this.failures += 1;
    const wait = waitBefore(this.failures, random());
    this.tell({ kind: "waiting", until: clock() + wait });
    this.timer = setTimeout(() => this.connect(), wait);
  }

  private tell(line: Line): void {
    this.line = line;
    this.options.changed(line);
  }
}

/** By WebSocket. A token goes as a subprotocol: it must not stand in an address. */
export function socketTransport(url: string, token: () => string | null): Transport {
  return (since, ear) => {
    const address = new URL(url);
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    if (since) address.searchParams.set("since", since);
    const credentials = token();
    const socket = new WebSocket(address, ["zwilling.live.v1", ...(credentials ? [credentials] : [])]);
    socket.onmessage = ({ data }) => {
      if (typeof data === "string") ear.data(data);
    };
    socket.onclose = () => ear.ended();
    return () => {
      socket.onmessage = null;
      socket.onclose = null;
      socket.close();
    };
  };
}

/** By Server-Sent Events, read with fetch: an EventSource could not show a token, and comes back at its own times. */
export function eventTransport(url: string, token: () => string | null): Transport {
  return (since, ear) => {
    const control = new AbortController();
    const credentials = token();
    const headers: Record<string, string> = { accept: "text/event-stream" };
    if (since) headers["last-event-id"] = since;
    if (credentials) headers.authorization = `Bearer ${credentials}`;
    void listen(url, headers, control.signal, ear.data).then(
      () => ear.ended(),
      () => ear.ended(),
    );
    return () => control.abort();
  };
}

async function listen(
  url: string,
  headers: Record<string, string>,
  signal: AbortSignal,
  data: (data: string) => void,
): Promise<void> {
  const response = await fetch(url, { headers, signal, cache: "no-store" });
  if (!response.ok || !response.body) return;
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  const events = new EventReader(data);
  for (;;) {
    const { done, value } = await reader.read();
    if (done || signal.aborted) return;
    events.read(value);
  }
}

/** Takes a stream of events apart (HTML Living Standard 9.2.6), as far as the server uses it: `data` in one line. */
export class EventReader {
  private rest = "";
  private lines: string[] = [];

  constructor(private readonly event: (data: string) => void) {}

  read(piece: string): void {
    const lines = (this.rest + piece).split("\n");
    this.rest = lines.pop() ?? "";
    for (const line of lines) {
      if (line.startsWith("data:")) this.lines.push(line.slice(5).trimStart());
      else if (line === "" && this.lines.length > 0) {
        this.event(this.lines.join("\n"));
        this.lines = [];
      }
    }
  }
}
