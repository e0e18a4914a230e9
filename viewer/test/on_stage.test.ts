import { expect, test, vi } from "vitest";
import type { Stage } from "../src/cesium/stage";
import type { LayerKind, StagedLayer } from "../src/layers/kind";
import type { Layer } from "../src/twin/description";

const COLOUR = { parameter: "punkte", title: { de: "", en: "" }, values: [{ value: "a", text: { de: "", en: "" } }] };

function kind(name: string, isSubject: boolean, hidesSubjects: boolean): LayerKind {
  const settings = hidesSubjects ? [COLOUR] : [];
  const load = () =>
    Promise.resolve({ isShown: true, onChange: () => undefined, set: () => undefined } as unknown as StagedLayer);
  return { kind: name, description: { de: "", en: "" }, isSubject, hidesSubjects, parameter: null, settings, load };
}

vi.mock("../src/layers/registry", () => ({
  KINDS: new Map([kind("houses", true, false), kind("dots", false, true)].map((one) => [one.kind, one])),
}));

const { LayersOnStage } = await import("../src/layers/on_stage");

async function shown(kinds: readonly string[], settings: ReadonlyMap<string, string> = new Map()): Promise<boolean[]> {
  const onStage = new LayersOnStage(() => undefined);
  const layers = kinds.map((name) => ({ id: name, kind: name }) as Layer);
  expect(await onStage.load(layers, {} as Stage, settings)).toEqual([]);
  return onStage.all.map(({ staged }) => staged.isShown);
}

test("what covers a subject is off beside one, whichever comes first", async () => {
  expect(await shown(["houses", "dots"])).toEqual([true, false]);
  expect(await shown(["dots", "houses"])).toEqual([false, true]);
});

test("it is shown where it stands alone", async () => {
  expect(await shown(["dots"])).toEqual([true]);
});

test("a link that says how it is drawn wants it seen", async () => {
  expect(await shown(["houses", "dots"], new Map([["punkte", "a"]]))).toEqual([true, true]);
});
