import { describe, expect, it } from "vitest";
import { Book } from "../../src/sensors/book";
import { type Condition, conditionOf } from "../../src/sensors/condition";
import { folded, isWished } from "../../src/sensors/filter";
import { parseMessage } from "../../src/sensors/protocol";
import { HOUR, MINUTE, snapshot, type Told, thing } from "./messages";

function condition(told: Told): Condition {
  const book = new Book(() => 0);
  const message = parseMessage(snapshot([thing({ id: "1", ...told })]));
  if (message) book.apply(message);
  const known = book.things.get("1");
  if (!known) throw new Error("there is no sensor");
  return conditionOf(known, book.properties, book.now);
}

describe("a search in the list of sensors", () => {
  const names = folded("Förderschule Mühlbach S07 Raum 204 ERS-CO2 12");

  it.each([
    ["", true],
    ["  ", true],
    ["förder", true],
    ["FORDER", true],
    ["204 mühlbach", true],
    ["Raum 204", true],
    ["205 mühlbach", false],
    ["Gymnasium", false],
  ])("%j: %j", (text, isFound) => {
    expect(isWished({ text, isNotableOnly: false }, names, condition({}))).toBe(isFound);
  });

  it("knows that ss and ß are the same", () => {
    expect(isWished({ text: "strasse", isNotableOnly: false }, folded("Fährstraße"), condition({}))).toBe(true);
  });

  it.each<[Told, boolean]>([
    [{ co2: 640 }, false],
    [{ co2: 1240 }, true],
    [{ co2: 2400 }, true],
    [{ co2: 640, age: 25 * MINUTE }, true],
    [{ co2: 640, age: 5 * HOUR }, true],
    [{ co2: 640, more: { is_test: true } }, false],
  ])("for what wants to be looked after: %j is %j", (told, isNotable) => {
    expect(isWished({ text: "204", isNotableOnly: true }, names, condition(told))).toBe(isNotable);
  });
});
