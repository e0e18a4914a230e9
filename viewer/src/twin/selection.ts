import type { Attributes } from "./attributes";

/** What is chosen. Attributes are null as long as the tile that holds them has not arrived. */
export interface Selection {
  /** Id of the layer. */
  readonly layer: string;
  /** Id of the chosen thing in its layer. */
  readonly id: string;
  readonly attributes: Attributes | null;
}

/** The one thing that is chosen, and who wants to know when it changes. */
export class SelectionModel {
  private chosen: Selection | null = null;
  private readonly listeners: ((now: Selection | null, before: Selection | null) => void)[] = [];

  get current(): Selection | null {
    return this.chosen;
  }

  onChange(listener: (now: Selection | null, before: Selection | null) => void): void {
    this.listeners.push(listener);
  }

  select(selection: Selection): void {
    this.set(selection);
  }

  clear(): void {
    if (this.chosen) this.set(null);
  }

  /** Fill in the attributes of what was chosen by its id, once they are there. */
  fill(id: string, attributes: Attributes): void {
    if (this.chosen?.id === id && this.chosen.attributes === null) this.set({ ...this.chosen, attributes });
  }

  private set(next: Selection | null): void {
    const before = this.chosen;
    this.chosen = next;
    for (const listener of this.listeners) listener(next, before);
  }
}
