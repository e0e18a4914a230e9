/** The help texts' small subset of Markdown, as data: headings, paragraphs, lists, and **strong** or `key` in a line. */

export interface Span {
  readonly text: string;
  readonly mark: "plain" | "strong" | "key";
}

export type Block =
  | { readonly kind: "heading"; readonly level: number; readonly spans: readonly Span[] }
  | { readonly kind: "paragraph"; readonly spans: readonly Span[] }
  | { readonly kind: "list"; readonly items: readonly (readonly Span[])[] };

function spans(line: string): Span[] {
  return line.split(/(\*\*[^*]+\*\*|`[^`]+`)/).flatMap((piece): Span[] => {
    if (piece === "") return [];
    if (piece.startsWith("**")) return [{ text: piece.slice(2, -2), mark: "strong" }];
    if (piece.startsWith("`")) return [{ text: piece.slice(1, -1), mark: "key" }];
    return [{ text: piece, mark: "plain" }];
  });
}

/** The blocks of a text without its pictures, which the page itself shows better; lines of one paragraph or list entry may be wrapped. */
export function parseProse(text: string): Block[] {
  return text
    .split(/\n\s*\n/)
    .map((block) => block.trim())
    .filter((block) => block !== "" && !block.startsWith("!["))
    .map((block): Block => {
      const heading = /^(#{1,6})\s+(.*)$/s.exec(block);
      if (heading) return { kind: "heading", level: heading[1]?.length ?? 1, spans: spans(heading[2] ?? "") };
      if (/^- /.test(block)) {
        const items = block.split(/\n(?=- )/).map((item) => item.slice(2).replace(/\s*\n\s*/g, " "));
        return { kind: "list", items: items.map(spans) };
      }
      return { kind: "paragraph", spans: spans(block.replace(/\s*\n\s*/g, " ")) };
    });
}
