import { formatNumber } from "../twin/format";
import { classColor, className, HEIGHT_COLORS, intensityAt, type PointClass } from "../twin/point_classes";
import type { Words } from "../twin/words";
import { el, foreign } from "./dom";

/** Classes with colour, name and number of points, each to be switched; null where there are none. */
export function classList(
  words: Words,
  title: string,
  layerId: string,
  classes: readonly PointClass[],
  hidden: ReadonlySet<number>,
  show: (code: number, isShown: boolean) => void,
): HTMLElement | null {
  if (classes.length === 0) return null;
  const entries = classes.map((one) => {
    const id = `class-${layerId}-${one.code}`;
    const box = el("input", { type: "checkbox", id });
    box.checked = !hidden.has(one.code);
    box.addEventListener("change", () => show(one.code, box.checked));
    const swatch = el("span", { class: "swatch", "aria-hidden": "true" });
    swatch.style.background = classColor(one.code);
    const name = el("label", { for: id }, foreign(className(one, words.language)));
    return el(
      "li",
      {},
      box,
      swatch,
      name,
      el("span", { class: "figure", text: formatNumber(one.count, 0, words.language) }),
    );
  });
  return el("fieldset", { class: "setting point-classes" }, el("legend", { text: title }), el("ul", {}, ...entries));
}

/** From dark to bright, with the numbers that both ends and the middle stand for. */
export function intensityScale(
  words: Words,
  title: string,
  range: { readonly min: number; readonly max: number },
): HTMLElement {
  const figures = [0, 0.5, 1].map((share) =>
    el("span", { class: "figure", text: formatNumber(intensityAt(share, range), 0, words.language) }),
  );
  return scale(title, figures);
}

/** From the ground up, with the metres that each colour stands for. */
export function heightScale(words: Words, title: string): HTMLElement {
  const last = HEIGHT_COLORS.length - 1;
  const figures = HEIGHT_COLORS.map(({ metres }, i) =>
    el("span", { class: "figure", text: formatNumber(metres, 0, words.language) + (i === last ? " m" : "") }),
  );
  return scale(title, figures, `linear-gradient(to right, ${HEIGHT_COLORS.map(({ color }) => color).join(", ")})`);
}

function scale(title: string, figures: readonly Node[], colors?: string): HTMLElement {
  const ramp = el("div", { class: "ramp", "aria-hidden": "true" });
  if (colors) ramp.style.background = colors;
  return el(
    "div",
    { class: "intensity-scale" },
    el("h3", { text: title }),
    ramp,
    el("div", { class: "ramp-figures" }, ...figures),
  );
}
