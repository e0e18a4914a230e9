import { buildings } from "./buildings";
import { ground } from "./ground";
import type { LayerKind, Setting } from "./kind";
import { points } from "./points";

/** Every kind of layer that the viewer can show. Layers of other kinds are left out without a word. */
export const KINDS: ReadonlyMap<string, LayerKind> = new Map(
  [buildings, ground, points].map((kind) => [kind.kind, kind]),
);

/** The names in the address that say what was chosen. */
export const PARAMETERS: readonly string[] = [...KINDS.values()].flatMap(({ parameter }) => parameter ?? []);

/** Everything that visitors may set, of all kinds. */
export const SETTINGS: readonly Setting[] = [...KINDS.values()].flatMap(({ settings }) => settings);
