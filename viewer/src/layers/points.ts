import { type Cartesian3, Cartographic, Math as CesiumMath } from "@cesium/engine";
import { tilesetUrl } from "../api";
import { type Dot, type DotStyle, Dots } from "../cesium/dots";
import type { Attributes, Row } from "../twin/attributes";
import type { Extent } from "../twin/description";
import { formatNumber } from "../twin/format";
import {
  CLASS_LIST,
  className,
  ECHO,
  formatClasses,
  HIDDEN_CLASSES,
  type PointFacts,
  parseClasses,
} from "../twin/point_classes";
import type { Text, Words } from "../twin/words";
import { detailsContent } from "../ui/details";
import { classList, heightScale, intensityScale } from "../ui/points";
import type { LayerKind, Setting } from "./kind";

const POINT: Text = { de: "Laserpunkt", en: "Laser point" };
const CLASS: Text = { de: "Klasse (Schlüssel)", en: "Class (code)" };
const INTENSITY: Text = { de: "Intensität", en: "Intensity" };
const INTENSITY_ORIGIN: Text = {
  de: "Stärke des Echos, in Einheiten des Scanners",
  en: "Strength of the echo, in units of the scanner",
};
const RETURN: Text = { de: "Echo", en: "Echo" };

const CLASSES: Text = { de: "Klassen und Zahl der Punkte", en: "Classes and number of points" };
const HEIGHT: Text = { de: "Höhe über Gelände", en: "Height above ground" };
const HEIGHT_ORIGIN: Text = {
  de: "über den Punkten ringsum, die als Boden gekennzeichnet sind",
  en: "above the points around that are classified as ground",
};
const HEIGHTS: Text = { de: "Höhe über Gelände, Meter", en: "Height above ground, metres" };
const SCALE: Text = { de: "Intensität, ohne Einheit", en: "Intensity, without a unit" };

const STYLE: Setting = {
  parameter: "laserpunkte",
  title: { de: "Farbe der Laserpunkte", en: "Colour of the laser points" },
  values: [
    { value: "klasse", text: { de: "Nach Klasse", en: "By class" } },
    { value: "hoehe", text: { de: "Nach Höhe", en: "By height" } },
    { value: "intensitaet", text: { de: "Nach Intensität", en: "By intensity" } },
    { value: "farben", text: { de: "Farben", en: "Colours" } },
  ],
};

/** Set by the check boxes of the legend. */
const HIDDEN: Setting = {
  parameter: "laserklassen-aus",
  title: { de: "Ausgeblendete Klassen", en: "Hidden classes" },
  values: [{ value: formatClasses(HIDDEN_CLASSES), text: { de: "Rauschen und Keller", en: "Noise and cellars" } }],
  pattern: CLASS_LIST,
};

const STYLES: Readonly<Record<string, DotStyle>> = {
  klasse: "class",
  hoehe: "height",
  intensitaet: "intensity",
  farben: "color",
};

/** Points of a laser scan, by class, by height above ground, by intensity, or in their own colours. */
export const points: LayerKind = {
  kind: "points",
  description: { de: "Einzelne Punkte der Laservermessung", en: "Single points of the laser survey" },
  isSubject: false,
  hidesSubjects: true,
  parameter: null,
  settings: [STYLE, HIDDEN],

  async load(layer, stage, change) {
    const dots = await Dots.load(stage.scene, tilesetUrl(layer), stage.quality === "high", area(layer.extent));
    const { tiles, facts } = dots;
    let hidden: ReadonlySet<number> = HIDDEN_CLASSES;
    dots.setHidden(hidden);
    let chosen: { readonly id: string; readonly at: Cartesian3 } | null = null;
    let suitScale: () => void = () => undefined;
    return {
      get isShown() {
        return tiles.isShown;
      },
      set isShown(shown) {
        tiles.isShown = shown;
      },
      get progress() {
        return tiles.progress;
      },
      get isLoaded() {
        return tiles.isLoaded;
      },
      failures: tiles.failures,
      onChange: (listener) => tiles.onChange(listener),
      remove: () => dots.remove(),
      section(words) {
        const list = classList(words, words.in(CLASSES), layer.id, facts.classes, hidden, (code, isShown) => {
          const others = [...hidden].filter((one) => one !== code);
          change(HIDDEN, formatClasses(new Set(isShown ? others : [...others, code])));
        });
        const scale = facts.intensity ? intensityScale(words, words.in(SCALE), facts.intensity) : null;
        const heights = facts.heights ? heightScale(words, words.in(HEIGHTS)) : null;
        suitScale = () => {
          if (scale) scale.hidden = dots.style !== "intensity";
          if (heights) heights.hidden = dots.style !== "height";
          list?.classList.toggle("plain", dots.style !== "class");
        };
        suitScale();
        return [heights, scale, list].filter((part) => part !== null);
      },
      get settings() {
        return dots.styles.length > 1 ? [STYLE] : [];
      },
      values: () => STYLE.values.map(({ value }) => value).filter((value) => dots.styles.includes(styleOf(value))),
      set(setting, value) {
        if (setting === HIDDEN) {
          hidden = parseClasses(value);
          dots.setHidden(hidden);
          return;
        }
        dots.setStyle(styleOf(value));
        suitScale();
      },
      choosing: {
        pick(picked, place) {
          const found = place && dots.pick(picked, place);
          if (!found) return null;
          const { longitude, latitude, height } = Cartographic.fromCartesian(found.at);
          const [east, north] = [CesiumMath.toDegrees(longitude), CesiumMath.toDegrees(latitude)];
          // No source numbers its points: a point's id is where it lies.
          const id = `${east.toFixed(7)},${north.toFixed(7)},${height.toFixed(2)}`;
          chosen = { id, at: found.at };
          return { id, attributes: found.dot as unknown as Attributes };
        },
        place: async () => null,
        attributes: () => null,
        outlined(id) {
          dots.mark.set(chosen?.id === id ? chosen.at : null);
          return [];
        },
        released: () => dots.mark.set(null),
        sheet({ attributes }, words, copyFailed) {
          const dot = attributes as unknown as Dot;
          const found = { title: titleOf(dot, facts, words), subtitle: words.in(POINT), rows: rows(dot, words) };
          return { ...found, content: detailsContent({ ...found, more: [] }, words, copyFailed) };
        },
        unknown: { de: "Dieser Laserpunkt ist hier nicht bekannt.", en: "This laser point is not known here." },
        unanswered: {
          de: "Der Laserpunkt konnte nicht gesucht werden, weil der Server nicht antwortet.",
          en: "The laser point could not be looked up because the server does not answer.",
        },
      },
    };
  },
};

function styleOf(value: string): DotStyle {
  return STYLES[value] ?? "class";
}

function titleOf({ classification }: Dot, { classes }: PointFacts, words: Words): string {
  const found = classes.find(({ code }) => code === classification);
  return found ? className(found, words.language) : words.in(POINT);
}

function rows({ classification, height, intensity, returnNumber, numberOfReturns }: Dot, words: Words): readonly Row[] {
  const row = (id: string, label: Text, value: string, origin = ""): Row => ({
    id,
    label: words.in(label),
    origin,
    value,
    isFigure: true,
    isIdentifier: false,
  });
  const found: Row[] = [];
  if (classification !== null) found.push(row("classification", CLASS, String(classification)));
  if (height !== null) {
    found.push(row("height", HEIGHT, `${formatNumber(height, 1, words.language)} m`, words.in(HEIGHT_ORIGIN)));
  }
  if (intensity !== null) {
    const value = formatNumber(intensity, 0, words.language);
    found.push(row("intensity", INTENSITY, value, words.in(INTENSITY_ORIGIN)));
  }
  if (returnNumber !== null && numberOfReturns !== null) {
    found.push(row("return", RETURN, words.in(ECHO, { number: returnNumber, all: numberOfReturns })));
  }
  return found;
}

/** How large an extent is, square metres. */
function area({ west, south, east, north }: Extent): number {
  const degree = 111_200;
  const width = (east - west) * degree * Math.cos((((south + north) / 2) * Math.PI) / 180);
  return width * (north - south) * degree;
}
