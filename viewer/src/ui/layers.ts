import type { Layer } from "../twin/description";
import { formatDate } from "../twin/format";
import type { Words } from "../twin/words";
import { el, foreign } from "./dom";

/** A layer as its row in the panel shows it. */
export interface LayerRow {
  readonly layer: Layer;
  /** What kind of layer it is, in a few words. */
  readonly description: string;
  readonly isShown: boolean;
  /** Legend and controls of style, as the layer's kind gives them. */
  readonly section: readonly Node[];
  readonly show: (shown: boolean) => void;
}

/** The list of layers with source, licence and date of their data, each with its own section. */
export function layersContent(words: Words, rows: readonly LayerRow[]): Node[] {
  return [el("ul", { class: "layers" }, ...rows.map((row) => layerItem(words, row)))];
}

function layerItem({ say, language }: Words, row: LayerRow): HTMLElement {
  const { layer } = row;
  const box = el("input", { type: "checkbox", id: `layer-${layer.id}`, role: "switch" });
  box.checked = row.isShown;
  box.addEventListener("change", () => row.show(box.checked));
  const fact = (term: string, ...values: Node[]): Node | false =>
    values.length > 0 && el("div", {}, el("dt", { text: term }), el("dd", {}, ...values));
  return el(
    "li",
    { class: "layer" },
    el("div", { class: "layer-head" }, el("label", { for: box.id }, foreign(layer.title)), box),
    el("p", { class: "quiet", text: row.description }),
    el(
      "dl",
      { class: "facts" },
      fact(say("layerSource"), ...layer.attribution.map((text) => el("span", { class: "line" }, foreign(text)))),
      fact(say("layerLicence"), ...(layer.licence === "" ? [] : [foreign(layer.licence)])),
      fact(say("layerDate"), ...(layer.date === "" ? [] : [foreign(formatDate(layer.date, language))])),
    ),
    ...row.section,
  );
}
