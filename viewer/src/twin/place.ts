/** A place on the ground: how a link names it, and what people read of it. */

import type { Attributes, Row } from "./attributes";
import { DescriptionError } from "./description";
import { formatMetres } from "./format";
import type { Text, Words } from "./words";

export interface Place {
  /** Degrees. */
  readonly longitude: number;
  readonly latitude: number;
  /** Ellipsoidal metres. */
  readonly height: number;
}

/** What `/api/position` knows of a place: metres in the county's CRS, with its height above the sea. */
export interface Position {
  readonly crs: string;
  readonly easting: number;
  readonly northing: number;
  readonly height: number;
  /** `DHHN2016`, or empty. */
  readonly heightSystem: string;
}

const HEIGHT: Text = { de: "Höhe über NHN ({system})", en: "Height above NHN ({system})" };
const HEIGHT_ORIGIN: Text = {
  de: "An der angeklickten Stelle des gezeichneten Geländes",
  en: "At the chosen place of the ground as it is drawn",
};
const EASTING: Text = { de: "Ostwert", en: "Easting" };
const NORTHING: Text = { de: "Nordwert", en: "Northing" };
const SYSTEM: Text = { de: "Koordinatensystem", en: "Coordinate reference system" };
const DEGREES: Text = { de: "Breite, Länge (WGS 84)", en: "Latitude, longitude (WGS 84)" };

/** The id that a link carries: longitude, latitude, height, as fine as a hand's width. */
export function placeId({ longitude, latitude, height }: Place): string {
  return `${longitude.toFixed(6)},${latitude.toFixed(6)},${height.toFixed(2)}`;
}

/** The place of an id, or null where it names none. */
export function parsePlace(id: string): Place | null {
  if (!/^-?\d{1,3}\.\d{1,9},-?\d{1,2}\.\d{1,9},-?\d{1,4}(\.\d{1,3})?$/.test(id)) return null;
  const [longitude, latitude, height] = id.split(",").map(Number) as [number, number, number];
  return Math.abs(longitude) <= 180 && Math.abs(latitude) <= 90 ? { longitude, latitude, height } : null;
}

/** The answer of `/api/position`. Throws DescriptionError. */
export function parsePosition(answer: unknown): Position {
  const { crs, easting, northing, height, height_system: heightSystem } = (answer ?? {}) as Record<string, unknown>;
  const isSound =
    typeof crs === "string" &&
    typeof heightSystem === "string" &&
    [easting, northing, height].every((value) => Number.isFinite(value));
  if (!isSound) throw new DescriptionError("the position is not as it should be");
  return { crs, easting: Number(easting), northing: Number(northing), height: Number(height), heightSystem };
}

/** What the sheet shows: the height first, since that is what nobody can guess. */
export function placeRows(id: string, attributes: Attributes, words: Words): readonly Row[] {
  const place = parsePlace(id);
  const { position } = attributes as { readonly position: Position | null };
  const row = (name: string, label: string, value: string, origin = "", isIdentifier = false): Row => ({
    id: name,
    label,
    origin,
    value,
    isFigure: true,
    isIdentifier,
  });
  const { language } = words;
  const degrees = place ? `${place.latitude.toFixed(6)}, ${place.longitude.toFixed(6)}` : "";
  return [
    ...(position
      ? [
          row(
            "height",
            words.in(HEIGHT, { system: position.heightSystem }),
            formatMetres(position.height, 1, language),
            words.in(HEIGHT_ORIGIN),
          ),
          row("easting", words.in(EASTING), formatMetres(position.easting, 1, language)),
          row("northing", words.in(NORTHING), formatMetres(position.northing, 1, language)),
          row("crs", words.in(SYSTEM), position.crs),
        ]
      : []),
    row("degrees", words.in(DEGREES), degrees, "", true),
  ];
}
