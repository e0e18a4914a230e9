import type { Details, Row } from "../twin/attributes";
import type { Words } from "../twin/words";
import { copyButton } from "./button";
import { el, foreign } from "./dom";

function factRow(row: Row, { say }: Words, copyFailed: () => void): HTMLElement {
  const copy =
    row.isIdentifier && copyButton(`${say("copy")}: ${row.label}`, say("copied"), () => row.value, copyFailed);
  return el(
    "div",
    { "data-property": row.id },
    el("dt", { title: row.origin || null, dir: "auto", text: row.label }),
    el(
      "dd",
      { class: [row.isFigure && "figure", row.isIdentifier && "identifier"].filter(Boolean).join(" ") },
      foreign(row.value),
      copy,
    ),
  );
}

/** A building's attributes as a list of terms and values. */
export function detailsContent(details: Details, words: Words, copyFailed: () => void): Node[] {
  const rows = (from: readonly Row[]): HTMLElement[] => from.map((row) => factRow(row, words, copyFailed));
  const more =
    details.more.length > 0 &&
    el(
      "details",
      { class: "more" },
      el("summary", { text: words.say("moreAttributes") }),
      el("dl", { class: "facts wide" }, ...rows(details.more)),
    );
  return [el("dl", { class: "facts wide" }, ...rows(details.rows)), ...(more ? [more] : [])];
}

/** What stands in the sheet while the attributes are on their way; `text` says so to those who cannot see it. */
export function detailsSkeleton(text: string): Node[] {
  return [
    el("p", { class: "visually-hidden", text }),
    el("div", { class: "skeleton", "aria-hidden": "true" }, ...Array.from({ length: 6 }, () => el("span"))),
  ];
}
