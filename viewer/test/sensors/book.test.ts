import { describe, expect, it } from "vitest";
import { Book } from "../../src/sensors/book";
import { conditionOf } from "../../src/sensors/condition";
import { parseMessage } from "../../src/sensors/protocol";
import { conditionWord, lineText, meanings, placeName, stateWord } from "../../src/sensors/words";
import { DescriptionError } from "../../src/twin/description";
import { Words } from "../../src/twin/words";
import { alert, change, changes, HOUR, iso, MINUTE, NOW, snapshot, thing, value } from "./messages";

const DE = new Words("de");

/** A book that has read some messages, with a clock that can be moved. */
function read(...messages: string[]): { book: Book; pass: (ms: number) => void; tell: (message: string) => unknown } {
  let own = 5_000_000; // the visitor's clock may say anything
  const book = new Book(() => own);
  const tell = (message: string): unknown => {
    const parsed = parseMessage(message);
    return parsed && book.apply(parsed);
  };
  for (const message of messages) tell(message);
  return {
    book,
    pass: (ms) => {
      own += ms;
    },
    tell,
  };
}

function condition(book: Book, id = "1") {
  const known = book.things.get(id);
  if (!known) throw new Error(`there is no ${id}`);
  const found = conditionOf(known, book.properties, book.now);
  return { ...found, word: conditionWord(found, known, book.now, DE) };
}

describe("a book of sensors", () => {
  it("holds what a snapshot says, and forgets what it does not say", () => {
    const { book, tell } = read(snapshot([thing({ id: "1" }), thing({ id: "2" })], [alert("7")]));
    expect([...book.things.keys()]).toEqual(["1", "2"]);
    expect(book.position).toBe("1.v");
    expect(tell(snapshot([thing({ id: "2" })]))).toEqual({ things: null, alerts: true });
    expect([...book.things.keys()]).toEqual(["2"]);
    expect(book.open).toEqual([]);
  });

  it("takes up changes, and keeps what did not change", () => {
    const first = thing({
      more: { latest: { co2: { time: iso(NOW), value: 500, level: 0 }, temperature: { time: iso(NOW), value: 21.4 } } },
    });
    const { book, tell } = read(snapshot([first, thing({ id: "2" })]));
    expect(tell(changes([change("1", 1240), change("99", 1)]))).toEqual({ things: new Set(["1"]), alerts: false });
    expect(book.things.get("1")?.latest.get("co2")?.value).toBe(1240);
    expect(book.things.get("1")?.latest.get("temperature")?.value).toBe(21.4);
    expect(book.things.get("1")?.room).toBe("204");
    expect(book.things.has("99")).toBe(false);
    expect(book.position).toBe("2.v");
  });

  it("sorts alerts by gravity and age, and keeps those that are over apart", () => {
    const { book, tell } = read(
      snapshot([thing()], [alert("1"), alert("2", { rank: 1 }), alert("3", { opened: iso(NOW + MINUTE) })]),
    );
    expect(book.open.map(({ id }) => id)).toEqual(["2", "3", "1"]);
    tell(changes([], [alert("2", { rank: 1, closed: iso(NOW + HOUR) })]));
    expect(book.open.map(({ id }) => id)).toEqual(["3", "1"]);
    expect(book.over.map(({ id }) => id)).toEqual(["2"]);
  });

  it("reckons by the server's clock, and lets no time pass while it hears nothing", () => {
    const { book, pass } = read(snapshot([thing()]));
    pass(19 * MINUTE);
    expect(book.now).toBe(NOW + 19 * MINUTE);
    expect(condition(book).recency).toBe("fresh");
    book.setConnected(false);
    pass(5 * HOUR);
    expect(book.now).toBe(NOW);
    expect(condition(book).recency).toBe("fresh"); // nobody knows; that the line is down is said elsewhere
    book.setConnected(true);
    expect(condition(book).recency).toBe("silent");
  });

  it("is not set back by a snapshot that was kept for some seconds", () => {
    const { book, pass, tell } = read(snapshot([thing()], [], NOW));
    pass(2_000);
    tell(snapshot([thing()], [], NOW + 1_000));
    expect(book.now).toBe(NOW + 2_000);
  });

  it("knows from a heartbeat that the server has lost its database", () => {
    const { book, tell } = read(snapshot([thing()]));
    tell(JSON.stringify({ type: "heartbeat", id: "1.v", time: iso(NOW), is_current: false }));
    expect(book.isCurrent).toBe(false);
    tell(changes([]));
    expect(book.isCurrent).toBe(true);
  });
});

describe("the condition of a sensor", () => {
  it.each([
    [999, "good", "gut"],
    [1000, "raised", "lüften"],
    [2000, "high", "dringend lüften"],
  ])("at %d ppm is %s", (co2, shape, word) => {
    expect(condition(read(snapshot([thing({ co2 })])).book)).toMatchObject({ shape, word, isOld: false });
  });

  it.each([
    [19 * MINUTE, "good", false, "gut"],
    [20 * MINUTE, "good", true, "gut, verspätet"],
    [40 * MINUTE, "good", true, "gut, veraltet"],
    [3 * HOUR, "silent", false, "keine Daten seit 3\u00a0Std."],
    [47 * HOUR, "silent", false, "keine Daten seit 47\u00a0Std."],
    [49 * HOUR, "silent", false, "keine Daten seit 2 Tagen"],
  ])("heard %d ms ago is %s", (age, shape, isOld, word) => {
    expect(condition(read(snapshot([thing({ age })])).book)).toMatchObject({ shape, isOld, word });
  });

  it("counts the silence of one that sends often in minutes", () => {
    const often = { last_seen: iso(NOW - 14 * MINUTE), silent_from: iso(NOW - 2 * MINUTE) };
    expect(condition(read(snapshot([thing({ more: often })])).book).word).toBe("keine Daten seit 14\u00a0Min.");
  });

  it("tells what means nothing: implausible, in test, never heard", () => {
    const odd = { co2: { time: iso(NOW), value: 65535, quality: ["implausible"] } };
    const { book } = read(
      snapshot([
        thing({ id: "1", more: { latest: odd } }),
        thing({ id: "2", more: { is_test: true } }),
        thing({ id: "3", co2: null, more: { last_seen: null, late_from: null, stale_from: null, silent_from: null } }),
        thing({ id: "4", co2: null }),
      ]),
    );
    expect(condition(book, "1")).toMatchObject({ shape: "implausible", word: "unplausibel" });
    expect(condition(book, "2")).toMatchObject({ shape: "test", word: "Testbetrieb" });
    expect(condition(book, "3")).toMatchObject({ shape: "silent", word: "noch keine Daten" });
    expect(condition(book, "4")).toMatchObject({ shape: "silent", word: "kein Messwert" });
  });

  it("is about what the sensor is there for, not about its battery", () => {
    const latest = { battery: { time: iso(NOW), value: 80 }, temperature: { time: iso(NOW), value: 21.4 } };
    const found = condition(read(snapshot([thing({ more: { latest } })])).book);
    expect(found).toMatchObject({ shape: "plain", word: "" });
    expect(found.property?.key).toBe("temperature");
  });

  it("is the graver, the more it wants to be seen", () => {
    const { book } = read(
      snapshot([
        thing({ id: "1", co2: 2400 }),
        thing({ id: "2", co2: 1400 }),
        thing({ id: "3", age: 5 * HOUR }),
        thing({ id: "4", age: 25 * MINUTE }),
        thing({ id: "5" }),
      ]),
    );
    const order = [...book.things.keys()].sort((a, b) => condition(book, b).severity - condition(book, a).severity);
    expect(order).toEqual(["1", "2", "3", "4", "5"]);
  });
});

describe("what is said", () => {
  it("of a level is what the server calls it, and of several sensors how old the worst of them is", () => {
    const water = { name: { de: "Pegel", en: "Water level" }, unit: "m", digits: 2 };
    const levels = [
      { from: null, name: "Niedrigwasser", rank: 1 },
      { from: 0.4, name: "normal", rank: 0 },
      { from: 2.5, name: "Hochwasser", rank: 1 },
    ];
    const strict = [
      { from: null, name: "gut", rank: 0 },
      { from: 450, name: "hier zu viel", rank: 1 },
    ];
    const message = snapshot([
      thing({ id: "1", more: { latest: { level: { time: iso(NOW), value: 2.61, level: 1 } } } }),
      thing({ id: "2", age: 25 * MINUTE }),
      thing({ id: "3", age: 50 * MINUTE }),
      thing({ id: "4", age: 5 * HOUR }),
      thing({ id: "5", more: { levels: { co2: strict }, latest: { co2: { ...value(500), level: 1 } } } }),
      // A limit belongs to the level that the server says.
      thing({ id: "6", more: { latest: { level: { time: iso(NOW), value: 0.4, level: 1 } } } }),
    ]);
    const { book } = read(
      message.replace('"properties":{', `"properties":{"level":${JSON.stringify({ ...water, levels })},`),
    );
    expect(condition(book, "1")).toMatchObject({ shape: "raised", word: "Hochwasser" });
    expect(condition(book, "6").word).toBe("Niedrigwasser");
    const states = ["1", "2", "3", "4", "5"].map((id) => stateWord(condition(book, id), DE));
    expect(states).toEqual(["Hochwasser", "gut, verspätet", "gut, veraltet", "keine Daten", "hier zu viel"]);
    expect(condition(book, "3").severity).toBeGreaterThan(condition(book, "2").severity);
    const told = meanings(book.properties.values(), DE).map(({ text }) => text.replaceAll("\u00a0", " "));
    expect(told.slice(0, 6)).toEqual([
      "Niedrigwasser: Pegel unter 0,40 m",
      "normal: Pegel 0,40 bis unter 2,50 m",
      "Hochwasser: Pegel ab 2,50 m",
      "gut: CO2 unter 1.000 ppm",
      "lüften: CO2 1.000 bis unter 2.000 ppm",
      "dringend lüften: CO2 ab 2.000 ppm",
    ]);
    const english = meanings(book.properties.values(), new Words("en")).map(({ text }) => text);
    expect(english.slice(2, 5).map((text) => text.split(":")[0])).toEqual(["Hochwasser", "good", "ventilate"]);
  });

  it("names rooms as people do", () => {
    const { book } = read(
      snapshot([thing({ id: "1" }), thing({ id: "2", room: "Aula" }), thing({ id: "3", room: "" })]),
    );
    const names = [...book.things.values()].map((known) => placeName(known, DE));
    expect(names).toEqual(["Raum 204", "Aula", "Sensor 3"]);
  });

  it("is honest about the line", () => {
    const waiting = { kind: "waiting", until: 0 } as const;
    const live = { kind: "live" } as const;
    expect(lineText(live, true, true, "14:05 Uhr", DE)).toMatch(/^Live/);
    expect(lineText(live, true, false, "14:05 Uhr", DE)).toBe(
      "Der Server bekommt zurzeit keine neuen Messwerte. Letzter Stand: 14:05 Uhr.",
    );
    expect(lineText(waiting, true, true, "14:05 Uhr", DE)).toBe(
      "Verbindung unterbrochen. Letzter Stand: 14:05 Uhr. Wir verbinden neu.",
    );
    expect(lineText(waiting, false, true, "14:05 Uhr", DE)).toBe("Sie sind offline. Letzter Stand: 14:05 Uhr.");
    expect(lineText(waiting, true, true, null, DE)).toMatch(/antwortet nicht/);
    expect(lineText({ kind: "connecting" }, true, true, null, DE)).toBe("Verbindung wird aufgebaut.");
  });
});

describe("a message", () => {
  it.each(["", "[]", "null", '{"type":"snapshot"}', '{"type":"changes","id":"1","time":"gestern"}'])(
    "that is none is refused: %s",
    (data) => {
      expect(() => parseMessage(data)).toThrow(DescriptionError);
    },
  );

  it("of a kind that is not known yet is passed over", () => {
    expect(parseMessage(JSON.stringify({ type: "weather", id: "1", time: iso(NOW) }))).toBeNull();
  });

  it("with a value that is no number is refused", () => {
    const latest = { co2: { time: iso(NOW), value: "500" } };
    expect(() => parseMessage(snapshot([thing({ more: { latest } })]))).toThrow(DescriptionError);
  });
});
