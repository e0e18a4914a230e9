import type { Cartesian3 } from "@cesium/engine";
import type { Stage } from "../cesium/stage";
import type { Attributes } from "../twin/attributes";
import type { Extent, Layer } from "../twin/description";
import type { Text, Words } from "../twin/words";

/**
 * One kind of layer, as `/api/twin` names it: how it gets onto the stage. A new kind is a file beside this one that
 * exports one of these, and a line in `registry.ts`.
 */
export interface LayerKind {
  /** The layer's `kind` in `/api/twin`. */
  readonly kind: string;
  /** What stands below the layer's title in the panel of layers. */
  readonly description: Text;
  /** Whether the first view goes to such layers; others, like the ground below, come into it only where they are alone. */
  readonly isSubject: boolean;
  /** Whether such a layer covers subjects that stand in the same place: beside one it is off until a visitor wants it. */
  readonly hidesSubjects: boolean;
  /** Name in the address (`?gebaeude=…`) of what was chosen in such a layer; null where nothing in it has an id. */
  readonly parameter: string | null;
  /** What visitors may set for all layers of the kind. */
  readonly settings: readonly Setting[];
  /**
   * Put a layer on the stage. Throws where the server does not give it; then nothing of it is left on the stage.
   *
   * @param change what controls of the layer's own call where a visitor has set something; `set` follows.
   */
  load(layer: Layer, stage: Stage, change: (setting: Setting, value: string) => void): Promise<StagedLayer>;
}

/** Something that visitors may set: one of a few values, which stands in the address. */
export interface Setting {
  /** Name in the address (`?gelaende=globus`). */
  readonly parameter: string;
  readonly title: Text;
  /** The first is what holds as long as nobody has chosen. */
  readonly values: readonly { readonly value: string; readonly text: Text }[];
  /** What further values look like, which controls of a layer's own set. */
  readonly pattern?: RegExp;
}

/** How far loading has come, in tiles or whatever else a layer arrives in. */
export interface Progress {
  readonly done: number;
  readonly all: number;
}

/** One layer on the stage. */
export interface StagedLayer {
  isShown: boolean;
  readonly progress: Progress;
  /** Whether everything that the current view needs is there. */
  readonly isLoaded: boolean;
  /** What could not be loaded, as `address: message`. */
  readonly failures: readonly string[];
  /** Called whenever progress, failures or what can be chosen have changed. */
  onChange(listener: () => void): void;
  /** Take the layer off the stage for good. */
  remove(): void;
  /** Legend and controls of style, below the layer in the panel of layers. Built anew each time the panel opens. */
  section(words: Words): readonly Node[];
  /** Those of the kind's settings that change something in this layer. */
  readonly settings: readonly Setting[];
  /** Those values of a setting that mean something in this layer; all of them where this is not said. */
  values?(setting: Setting): readonly string[];
  /** Follow a setting of the kind. */
  set(setting: Setting, value: string): void;
  /** How things in the layer are chosen; null where nothing can be. */
  readonly choosing: Choosing | null;
}

/** Something in a layer that can be chosen. */
export interface Choice {
  readonly id: string;
  /** Null as long as what holds them has not arrived. */
  readonly attributes: Attributes | null;
}

/** What the sheet beside the scene shows of a choice. */
export interface Sheet {
  readonly title: string;
  readonly subtitle: string;
  readonly content: readonly Node[];
}

/** How things in a layer are chosen: by a click, or by their id in a link. */
export interface Choosing {
  /** What a click hit, given what CesiumJS picked and where; null where that belongs to another layer. */
  pick(picked: unknown, point: Cartesian3 | null): Choice | null;
  /** Where something is, or null where the layer does not know it. Throws RequestError or DescriptionError. */
  place(id: string): Promise<Extent | null>;
  /** What is known about it now; null as long as it has not arrived. */
  attributes(id: string): Attributes | null;
  /** Everything that is outlined while it is chosen, as CesiumJS picks it. */
  outlined(id: string): readonly unknown[];
  /** Called when nothing in the layer is chosen any more; for layers that mark what is chosen by themselves. */
  released?(): void;
  /** What the sheet shows. `copyFailed` is for buttons that copy. */
  sheet(choice: Choice, words: Words, copyFailed: () => void): Sheet;
  /** Said where an id in a link is not known, and where the server does not answer; `{id}` stands for the id. */
  readonly unknown: Text;
  readonly unanswered: Text;
}
