/** A building's attributes as people read them. */

import { formatDate, formatMeasure, formatMetres } from "./format";
import { type Labels, unitOf } from "./labels";
import type { Language } from "./words";

/** One row of a feature's property table: what stands under each property id; null or absent where nothing is known. */
export type Attributes = Readonly<Record<string, unknown>>;

export interface Row {
  readonly id: string;
  readonly label: string;
  /** Where the value comes from, in the words of the source; empty where it does not say. */
  readonly origin: string;
  readonly value: string;
  /** Figures are set right-aligned in figures of one width. */
  readonly isFigure: boolean;
  /** Identifiers get a button that copies them. */
  readonly isIdentifier: boolean;
}

export interface Details {
  readonly title: string;
  /** What kind of thing it is, below the title; empty where the title says it already. */
  readonly subtitle: string;
  readonly rows: readonly Row[];
  readonly more: readonly Row[];
}

type Form = "text" | "identifier" | "metres" | "elevation" | "count" | "year" | "date" | "measure";

interface Known {
  readonly id: string;
  readonly de: string;
  readonly en: string;
  readonly form: Form;
  readonly unit?: string;
}

const MAIN: readonly Known[] = [
  { id: "id", de: "Gebäude-ID (ALKIS)", en: "Building ID (ALKIS)", form: "identifier" },
  { id: "part_id", de: "Gebäudeteil-ID", en: "Building part ID", form: "identifier" },
  { id: "function_label", de: "Gebäudefunktion", en: "Function", form: "text" },
  { id: "address", de: "Adresse", en: "Address", form: "text" },
  { id: "municipality", de: "Gemeinde", en: "Municipality", form: "text" },
  { id: "measured_height", de: "Gebäudehöhe", en: "Building height", form: "metres" },
  { id: "roof_type_label", de: "Dachform", en: "Roof type", form: "text" },
  { id: "roof_height_source_label", de: "Herkunft der Dachhöhe", en: "Source of roof height", form: "text" },
  { id: "storeys_above_ground", de: "Geschosse über Grund", en: "Storeys above ground", form: "count" },
  { id: "storeys_below_ground", de: "Geschosse unter Grund", en: "Storeys below ground", form: "count" },
  { id: "year_of_construction", de: "Baujahr", en: "Year of construction", form: "year" },
  {
    id: "ground_elevation",
    de: "Geländehöhe über NHN (DHHN2016)",
    en: "Ground elevation above NHN (DHHN2016)",
    form: "elevation",
  },
  {
    id: "roof_elevation",
    de: "Firsthöhe über NHN (DHHN2016)",
    en: "Ridge elevation above NHN (DHHN2016)",
    form: "elevation",
  },
  { id: "footprint_date", de: "Stand des Grundrisses", en: "Date of footprint", form: "date" },
];

const MORE: readonly Known[] = [
  { id: "class_name", de: "Objektart", en: "Object class", form: "text" },
  { id: "function", de: "Gebäudefunktion (Schlüssel)", en: "Function (code)", form: "text" },
  { id: "roof_type", de: "Dachform (Schlüssel)", en: "Roof type (code)", form: "text" },
  {
    id: "roof_height_source",
    de: "Herkunft der Dachhöhe (Schlüssel)",
    en: "Source of roof height (code)",
    form: "text",
  },
  { id: "ground_height_source", de: "Herkunft der Bodenhöhe", en: "Source of ground height", form: "text" },
  { id: "position_source", de: "Herkunft der Lage", en: "Source of position", form: "text" },
  { id: "municipality_key", de: "Gemeindeschlüssel", en: "Municipality key", form: "text" },
  { id: "creation_date", de: "Erzeugt am", en: "Created on", form: "date" },
];

const CLASS_NAME: Readonly<Record<string, Readonly<Record<Language, string>>>> = {
  Building: { de: "Gebäude", en: "Building" },
  BuildingPart: { de: "Gebäudeteil", en: "Building part" },
};

// Shown in the title already, or of no use to people.
const ELSEWHERE = new Set(["name"]);

/** The value as a text; empty where nothing is known. */
export function textOf(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "number") return Number.isFinite(value) ? String(value) : "";
  if (Array.isArray(value)) return value.map(textOf).filter(Boolean).join(", ");
  return typeof value === "object" ? "" : String(value).trim();
}

function numberOf(value: unknown): number | null {
  if (value === null || value === undefined || value === "") return null;
  const number = typeof value === "bigint" || typeof value === "string" ? Number(value) : value;
  return typeof number === "number" && Number.isFinite(number) ? number : null;
}

function present({ form, unit }: Known, value: unknown, language: Language): string {
  const number = numberOf(value);
  switch (form) {
    case "measure":
      return number === null ? textOf(value) : formatMeasure(number, unit ?? "", language);
    case "metres":
      return number === null ? textOf(value) : formatMetres(number, 1, language);
    case "elevation":
      return number === null ? textOf(value) : formatMetres(number, 2, language);
    case "count":
    case "year":
      return number === null ? textOf(value) : String(Math.round(number));
    case "date":
      return formatDate(textOf(value), language);
    default:
      return textOf(value);
  }
}

const FIGURES: ReadonlySet<Form> = new Set(["metres", "elevation", "count", "year", "measure"]);

function row(known: Known, attributes: Attributes, language: Language, labels: Labels): Row | null {
  let value = present(known, attributes[known.id], language);
  if (known.id === "class_name") value = CLASS_NAME[value]?.[language] ?? value;
  if (value === "") return null;
  return {
    id: known.id,
    label: known[language],
    origin: labels.get(known.id)?.description ?? "",
    value,
    isFigure: FIGURES.has(known.form),
    isIdentifier: known.form === "identifier",
  };
}

/** How to show an attribute that only the layer's schema knows. */
function foreignProperty(id: string, value: unknown, labels: Labels): Known {
  const label = labels.get(id);
  const name = label?.name || id;
  // A number with neither name nor unit may be a key; only what is measured is written as a number.
  const unit = unitOf(label?.description ?? "");
  const isMeasure = typeof value === "number" && (unit !== "" || !Number.isInteger(value));
  return { id, de: name, en: name, form: isMeasure ? "measure" : "text", unit };
}

/** Title, known rows in reading order, and everything else the source tells under the names of its schema. */
export function details(attributes: Attributes, language: Language, labels: Labels = new Map()): Details {
  const rows = (known: readonly Known[]): Row[] =>
    known.flatMap((entry) => row(entry, attributes, language, labels) ?? []);
  const known = new Set([...MAIN, ...MORE].map((entry) => entry.id));
  const main = rows(MAIN);
  const others = rows(
    Object.entries(attributes)
      .filter(([id]) => !known.has(id) && !ELSEWHERE.has(id))
      .map(([id, value]) => foreignProperty(id, value, labels)),
  ).sort((a, b) => a.label.localeCompare(b.label, "de"));
  const kind = textOf(attributes.class_name);
  const part = CLASS_NAME[textOf(attributes.part_id) === "" ? "Building" : "BuildingPart"]?.[language] ?? kind;
  const candidates = [attributes.name, attributes.address, attributes.function_label].map(textOf).filter(Boolean);
  const title = candidates[0] ?? part;
  const subtitle = [...new Set([textOf(attributes.function_label) || part, textOf(attributes.address)])]
    .filter((entry) => entry !== "" && entry !== title)
    .join(" · ");
  return { title, subtitle, rows: main, more: [...rows(MORE), ...others] };
}
