/** What a layer's own schema says of an attribute. */
export interface Label {
  /** Name for people; empty where the schema gives none. */
  readonly name: string;
  /** Where the value comes from and in what unit it is, in the words of the source. */
  readonly description: string;
}

/** Labels by property id. */
export type Labels = ReadonlyMap<string, Label>;

const UNIT = /\s*\bUnit: ([^.\s]{1,12})\.\s*$/;

/** The unit at the end of a description ("… Unit: m."), or an empty text. 3D Metadata has no field of its own for it. */
export function unitOf(description: string): string {
  return UNIT.exec(description)?.[1] ?? "";
}
