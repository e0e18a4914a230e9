import type { Cartesian3 } from "@cesium/engine";
import type { Stage } from "../cesium/stage";
import type { Layer } from "../twin/description";
import type { Choice, Choosing, LayerKind, Progress, Setting, StagedLayer } from "./kind";
import { KINDS } from "./registry";

/** One layer that is on the stage, and what it is. */
export interface Entry {
  readonly layer: Layer;
  readonly kind: LayerKind;
  readonly staged: StagedLayer;
}

export interface Picked {
  readonly layer: Layer;
  readonly choice: Choice;
}

/** The layers among some that the first view is for: the subjects, or all where there are none. */
export function subjects(layers: readonly Layer[]): readonly Layer[] {
  const found = layers.filter(({ kind }) => KINDS.get(kind)?.isSubject);
  return found.length > 0 ? found : layers;
}

/** The layers among some that this viewer can show. */
export function showable(layers: readonly Layer[]): readonly Layer[] {
  return layers.filter(({ kind }) => KINDS.has(kind));
}

/** All layers that are on the stage. */
export class LayersOnStage {
  private entries: readonly Entry[] = [];

  /** @param wish called where a control of a layer's own has set something for all layers of its kind. */
  constructor(
    private readonly changed: () => void,
    private readonly wish: (setting: Setting, value: string) => void = () => undefined,
  ) {}

  /**
   * Put layers on the stage. One that does not come leaves the others standing: it is returned. Throws what was thrown
   * first where not one has come.
   *
   * @param settings values that hold from the start, by parameter.
   */
  async load(layers: readonly Layer[], stage: Stage, settings: ReadonlyMap<string, string>): Promise<readonly Layer[]> {
    const errors: unknown[] = [];
    const missing: Layer[] = [];
    const hasSubject = layers.some(({ kind }) => KINDS.get(kind)?.isSubject);
    for (const layer of layers) {
      const kind = KINDS.get(layer.kind);
      if (!kind) continue;
      try {
        const staged = await kind.load(layer, stage, this.wish);
        staged.onChange(this.changed);
        for (const setting of kind.settings) {
          const value = settings.get(setting.parameter);
          if (value !== undefined) staged.set(setting, value);
        }
        // A link that says how such a layer is drawn wants it seen.
        const isWanted = kind.settings.some(({ parameter }) => settings.has(parameter));
        if (kind.hidesSubjects && hasSubject && !isWanted) staged.isShown = false;
        this.entries = [...this.entries, { layer, kind, staged }];
      } catch (error) {
        errors.push(error);
        missing.push(layer);
      }
    }
    if (this.entries.length === 0 && errors.length > 0) throw errors[0];
    return missing;
  }

  /** Take all layers off the stage. */
  clear(): void {
    for (const { staged } of this.entries) staged.remove();
    this.entries = [];
  }

  get all(): readonly Entry[] {
    return this.entries;
  }

  /** Have all layers of the kinds that know a setting follow it. */
  set(setting: Setting, value: string): void {
    for (const { kind, staged } of this.entries) if (kind.settings.includes(setting)) staged.set(setting, value);
  }

  /** The values of a setting that change something in some layer, in the setting's order. */
  values(setting: Setting): Setting["values"] {
    const offered = this.entries.flatMap(({ kind, staged }) =>
      kind.settings.includes(setting) ? (staged.values?.(setting) ?? setting.values.map(({ value }) => value)) : [],
    );
    return setting.values.filter(({ value }) => offered.includes(value));
  }

  get progress(): Progress {
    const parts = this.entries.map(({ staged }) => staged.progress);
    return {
      done: parts.reduce((sum, { done }) => sum + done, 0),
      all: parts.reduce((sum, { all }) => sum + all, 0),
    };
  }

  get isLoaded(): boolean {
    return this.entries.every(({ staged }) => staged.isLoaded);
  }

  get failures(): readonly string[] {
    return this.entries.flatMap(({ staged }) => staged.failures);
  }

  /** What a click hit, or null where that cannot be chosen. */
  pick(picked: unknown, point: Cartesian3 | null): Picked | null {
    for (const { layer, staged } of this.entries) {
      const choice = staged.choosing?.pick(picked, point);
      if (choice) return { layer, choice };
    }
    return null;
  }

  /** How things are chosen in a layer; null where it is not there, or nothing in it can be chosen. */
  choosing(layerId: string): Choosing | null {
    return this.entries.find(({ layer }) => layer.id === layerId)?.staged.choosing ?? null;
  }

  /** The name in the address of what is chosen in a layer. */
  parameter(layerId: string): string | null {
    return this.entries.find(({ layer }) => layer.id === layerId)?.kind.parameter ?? null;
  }

  /** The layers whose choices have this name in the address. */
  withParameter(parameter: string): readonly Entry[] {
    return this.entries.filter(({ kind }) => kind.parameter === parameter);
  }
}
