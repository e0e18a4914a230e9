/** Markers as SVG: a shape before a colour. Colours, halo and dashes are classes in signs.css. */

import { svg } from "../ui/dom";
import type { Shape } from "./condition";
import "./signs.css";

interface Outline {
  /** Of a box of 48 × 48 whose middle is 24, 24. */
  readonly path: string;
  /** Further strokes on it. */
  readonly strokes?: string;
  /** Middle of the text and the width that it may have. */
  readonly text: { readonly y: number; readonly width: number };
}

const OUTLINES: Record<Shape, Outline> = {
  good: { path: "M24 3a21 21 0 1 1 0 42a21 21 0 1 1 0-42z", text: { y: 24, width: 36 } },
  raised: { path: "M24 0.5L47.5 24L24 47.5L0.5 24z", text: { y: 24, width: 34 } },
  // A triangle that stands on a bar; the bar holds the figure.
  high: {
    path: "M24 1L40 27H46.5V46H1.5V27H8z",
    strokes: "M24 10V18M24 22.2V22.6",
    text: { y: 36.5, width: 42 },
  },
  plain: {
    path: "M9 6H39a6 6 0 0 1 6 6V36a6 6 0 0 1-6 6H9a6 6 0 0 1-6-6V12a6 6 0 0 1 6-6z",
    text: { y: 24, width: 38 },
  },
  silent: {
    path: "M24 3a21 21 0 1 1 0 42a21 21 0 1 1 0-42z",
    strokes: "M9.2 9.2L38.8 38.8M38.8 9.2L9.2 38.8",
    text: { y: 24, width: 0 },
  },
  implausible: { path: "M24 3a21 21 0 1 1 0 42a21 21 0 1 1 0-42z", text: { y: 24, width: 36 } },
  test: { path: "M8 4H40L45 24L40 44H8L3 24z", text: { y: 24, width: 36 } },
};

/** The picture of a state, `size` CSS pixels wide; with a figure inside where it has room for one. */
export function shapeSign(shape: Shape, isOld: boolean, size: number, figure = ""): SVGSVGElement {
  const outline = OUTLINES[shape];
  const sign = svg("svg", {
    class: `sign ${shape}${isOld ? " old" : ""}`,
    viewBox: "-3 -3 54 54",
    width: size,
    height: size,
    "aria-hidden": "true",
    focusable: "false",
  });
  sign.append(svg("path", { class: "halo", d: outline.path }), svg("path", { class: "body", d: outline.path }));
  if (outline.strokes) sign.append(svg("path", { class: "strokes", d: outline.strokes }));
  const inside = shape === "implausible" ? "?" : shape === "silent" ? "" : figure;
  if (inside !== "") {
    const label = svg("text", { x: 24, y: outline.text.y, class: "figure" });
    const largest = shape === "implausible" ? 30 : 17;
    // Tabular figures are about 0.58 of their size wide.
    label.style.fontSize = `${Math.min(largest, outline.text.width / (0.58 * inside.length)).toFixed(1)}px`;
    label.textContent = inside;
    sign.append(label);
  }
  return sign;
}
