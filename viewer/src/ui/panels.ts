import type { Word, Words } from "../twin/words";
import type { IconName } from "./icons";

/** One of the panels that open from the top bar, of which only one is open at a time. */
export interface PanelKind {
  readonly id: string;
  readonly icon: IconName;
  /** Name of the button and heading of the panel. */
  readonly title: Word;
  /** At the start of the bar with its name, or at its end as an icon. */
  readonly place: "start" | "end";
  /** Whether the button is there only while there is a scene. */
  readonly needsScene: boolean;
  /** False as long as there is nothing to show in it. */
  readonly isOffered?: () => boolean;
  /** Built anew each time the panel opens. */
  readonly content: (words: Words) => readonly Node[];
}
