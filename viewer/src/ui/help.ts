import german from "../../../docs/help/viewer.de.md?raw";
import english from "../../../docs/help/viewer.en.md?raw";
import { type Block, parseProse, type Span } from "../twin/prose";
import type { Language } from "../twin/words";
import { el } from "./dom";

const TEXTS: Record<Language, string> = { de: german, en: english };

function spanNode({ text, mark }: Span): Node | string {
  if (mark === "strong") return el("strong", { text });
  return mark === "key" ? el("kbd", { text }) : text;
}

function blockNode(block: Block): Node {
  switch (block.kind) {
    case "heading":
      return el(block.level <= 2 ? "h3" : "h4", {}, ...block.spans.map(spanNode));
    case "paragraph":
      return el("p", {}, ...block.spans.map(spanNode));
    case "list":
      return el("ul", {}, ...block.items.map((item) => el("li", {}, ...item.map(spanNode))));
  }
}

/** The help text; its first heading is the panel's own title and left out. */
export function helpContent(language: Language): Node[] {
  const blocks = parseProse(TEXTS[language]);
  const body = blocks[0]?.kind === "heading" && blocks[0].level === 1 ? blocks.slice(1) : blocks;
  return [el("div", { class: "prose" }, ...body.map(blockNode))];
}
