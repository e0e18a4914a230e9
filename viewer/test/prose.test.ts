import { describe, expect, it } from "vitest";
import german from "../../docs/help/viewer.de.md?raw";
import english from "../../docs/help/viewer.en.md?raw";
import { parseProse } from "../src/twin/prose";

describe("parseProse", () => {
  it("reads headings, wrapped paragraphs, lists and marks", () => {
    expect(parseProse("# A\n\nb **c**\nd\n\n- e `f`\n- g\n  h\n")).toEqual([
      { kind: "heading", level: 1, spans: [{ text: "A", mark: "plain" }] },
      {
        kind: "paragraph",
        spans: [
          { text: "b ", mark: "plain" },
          { text: "c", mark: "strong" },
          { text: " d", mark: "plain" },
        ],
      },
      {
        kind: "list",
        items: [
          [
            { text: "e ", mark: "plain" },
            { text: "f", mark: "key" },
          ],
          [{ text: "g h", mark: "plain" }],
        ],
      },
    ]);
  });

  it("leaves pictures out, which are of the page itself", () => {
    expect(parseProse("![a sign](../images/a.png)\n\nb")).toEqual([
      { kind: "paragraph", spans: [{ text: "b", mark: "plain" }] },
    ]);
  });

  it("leaves signs of HTML as text", () => {
    expect(parseProse("<img onerror=x>")).toEqual([
      { kind: "paragraph", spans: [{ text: "<img onerror=x>", mark: "plain" }] },
    ]);
  });

  it("understands every line of both help texts", () => {
    for (const text of [german, english]) {
      const blocks = parseProse(text);
      expect(blocks[0]).toMatchObject({ kind: "heading", level: 1 });
      expect(JSON.stringify(blocks)).not.toMatch(/\*\*|`|\]\(/);
    }
    const shape = (text: string): string[] => parseProse(text).map((block) => block.kind);
    expect(shape(english)).toEqual(shape(german));
  });
});
