import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type Ear, EventReader, Feed, type Line, type Transport, waitBefore } from "../../src/sensors/feed";

/** A way to the server that does what the test says. */
class Way {
  readonly calls: (string | null)[] = [];
  ends = 0;
  ear: Ear | null = null;

  readonly open: Transport = (since, ear) => {
    this.calls.push(since);
    this.ear = ear;
    return () => {
      this.ends += 1;
    };
  };

  say(data: string): void {
    this.ear?.data(data);
  }

  end(): void {
    this.ear?.ended();
  }
}

function setUp(): { socket: Way; events: Way; feed: Feed; heard: string[]; lines: Line[] } {
  const [socket, events] = [new Way(), new Way()];
  const heard: string[] = [];
  const lines: Line[] = [];
  const feed = new Feed({
    transports: [socket.open, events.open],
    position: () => heard[heard.length - 1] ?? null,
    heard: (data) => heard.push(data),
    changed: (line) => lines.push(line),
    random: () => 1,
  });
  feed.start();
  return { socket, events, feed, heard, lines };
}

describe("the line to the server", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });

  afterEach(() => {
    vi.useRealTimers();
  });

  it("is live with the first message, not before", () => {
    const { socket, feed, heard } = setUp();
    expect(feed.state.kind).toBe("connecting");
    socket.say("1");
    expect(feed.state.kind).toBe("live");
    expect(heard).toEqual(["1"]);
  });

  it("comes back by itself and goes on from where it was", () => {
    const { socket, feed, lines } = setUp();
    socket.say("1");
    socket.say("2");
    socket.end();
    expect(feed.state).toMatchObject({ kind: "waiting", until: Date.now() + 1_000 });
    vi.advanceTimersByTime(1_000);
    expect(socket.calls).toEqual([null, "2"]);
    socket.say("3");
    expect(lines.map(({ kind }) => kind)).toEqual(["connecting", "live", "waiting", "connecting", "live"]);
  });

  it("goes the other way where the first never speaks, and stays with it", () => {
    const { socket, events } = setUp();
    socket.end();
    vi.advanceTimersByTime(1_000);
    expect(events.calls).toEqual([null]);
    events.say("1");
    events.end();
    vi.advanceTimersByTime(1_000);
    expect(events.calls).toEqual([null, "1"]);
    expect(socket.calls.length).toBe(1);
    events.end();
    vi.advanceTimersByTime(2_000);
    expect(socket.calls.length).toBe(2);
  });

  it("takes silence for a line that is gone", () => {
    const { socket, feed } = setUp();
    socket.say("1");
    vi.advanceTimersByTime(39_000);
    socket.say("2");
    vi.advanceTimersByTime(39_999);
    expect(feed.state.kind).toBe("live");
    vi.advanceTimersByTime(1);
    expect(feed.state.kind).toBe("waiting");
    expect(socket.ends).toBe(1);
  });

  it("gives up an attempt that never ends", () => {
    const { feed } = setUp();
    vi.advanceTimersByTime(40_000);
    expect(feed.state.kind).toBe("waiting");
  });

  it("hears nothing any more of what it has ended", () => {
    const { socket, heard, feed } = setUp();
    const old = socket.ear;
    socket.end();
    vi.advanceTimersByTime(1_000);
    old?.data("late");
    old?.ended();
    expect(heard).toEqual([]);
    expect(feed.state.kind).toBe("connecting");
  });

  it("hurries when there is reason to hope, and only while it waits", () => {
    const { socket, events, feed } = setUp();
    feed.hurry();
    expect(socket.calls.length).toBe(1);
    socket.end();
    feed.hurry();
    expect(events.calls.length).toBe(1);
    vi.advanceTimersByTime(30_000);
    expect(events.calls.length).toBe(1); // the attempt that was due has not come on top
  });

  it("waits longer each time, never at the same moment as all others", () => {
    expect([1, 2, 3, 4, 5, 6, 20].map((failures) => waitBefore(failures, 1))).toEqual([
      1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000,
    ]);
    expect(waitBefore(6, 0)).toBe(15_000);
  });

  it("begins with short waits again once it was live", () => {
    const { socket, events, feed } = setUp();
    socket.end();
    vi.advanceTimersByTime(1_000);
    events.end();
    vi.advanceTimersByTime(2_000);
    socket.say("1");
    socket.end();
    expect(feed.state).toMatchObject({ until: Date.now() + 1_000 });
  });
});

describe("a stream of events", () => {
  it("is put together from pieces cut anywhere", () => {
    const stream =
      'retry: 5000\n\nid: 1.v\nevent: snapshot\ndata: {"a":"ü"}\n\n: a remark\n\nid: 2.v\ndata: {"b":2}\n\n';
    for (let size = 1; size < stream.length; size += 1) {
      const heard: string[] = [];
      const reader = new EventReader((data) => heard.push(data));
      for (let from = 0; from < stream.length; from += size) reader.read(stream.slice(from, from + size));
      expect(heard).toEqual(['{"a":"ü"}', '{"b":2}']);
    }
  });

  it("tells nothing of an event that was cut off", () => {
    const heard: string[] = [];
    new EventReader((data) => heard.push(data)).read("data: half\n");
    expect(heard).toEqual([]);
  });
});
