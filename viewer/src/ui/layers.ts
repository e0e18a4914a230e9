import type { Layer } from "../twin/description";
import type { Word, Words } from "../twin/words";
import { el, foreign } from "./dom";

const LEGEND: readonly (readonly [string, Word])[] = [
  ["wall", "legendWall"],
  ["pitched", "legendPitched"],
  ["flat", "legendFlat"],
  ["selected", "legendSelected"],
];

/** The list of layers with their source and licence, and the legend. */
export function layersContent(
  { say }: Words,
  layers: readonly Layer[],
  isShown: (layer: Layer) => boolean,
  show: (layer: Layer, shown: boolean) => void,
): Node[] {
  const list = layers.map((layer) => {
    const box = el("input", { type: "checkbox", id: `layer-${layer.id}`, role: "switch" });
    box.checked = isShown(layer);
    box.addEventListener("change", () => show(layer, box.checked));
    return el(
      "li",
      { class: "layer" },
      el("div", { class: "layer-head" }, el("label", { for: box.id }, foreign(layer.title)), box),
      layer.kind === "buildings" && el("p", { class: "quiet", text: say("layerKind_buildings") }),
      el(
        "dl",
        { class: "facts" },
        el("div", {}, el("dt", { text: say("layerSource") }), el("dd", {}, ...lines(layer.attribution))),
        el("div", {}, el("dt", { text: say("layerLicence") }), el("dd", {}, foreign(layer.licence))),
      ),
    );
  });
  const legend = LEGEND.map(([swatch, word]) =>
    el("li", {}, el("span", { class: `swatch ${swatch}`, "aria-hidden": "true" }), say(word)),
  );
  return [
    el("ul", { class: "layers" }, ...list),
    el("h3", { text: say("legend") }),
    el("ul", { class: "legend" }, ...legend),
  ];
}

function lines(texts: readonly string[]): Node[] {
  return texts.map((text) => el("span", { class: "line" }, foreign(text)));
}
