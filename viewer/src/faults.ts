import { RequestError } from "./api";
import { tilesetStatus } from "./cesium/tiles";
import { DescriptionError } from "./twin/description";
import { Countdown, waitSeconds } from "./twin/retry";
import type { Words } from "./twin/words";
import type { StateCard } from "./ui/states";

/** The card for a scene that could not be built, and when it is tried again. */
export class LoadFaults {
  private attempts = 0;

  /** Tell that loading went well: the next fault is the first again. */
  forget(): void {
    this.attempts = 0;
  }

  /** What is said about an error. Where trying again may help, `again` is called after a while, or at a click. */
  card(error: unknown, { say }: Words, again: () => void): StateCard {
    if (error instanceof DescriptionError) {
      return {
        symbol: "warning",
        title: say("errorTitle"),
        text: say("errorShape"),
        action: { label: say("reload"), act: () => window.location.reload() },
      };
    }
    this.attempts += 1;
    const status = error instanceof RequestError ? error.status : tilesetStatus(error);
    const detail = document.createElement("p");
    const countdown = new Countdown(
      waitSeconds(this.attempts),
      (seconds) => {
        detail.textContent = say("retryIn", { seconds });
      },
      again,
    );
    // The seconds are for the eye; a screen reader hears the message once.
    detail.setAttribute("aria-hidden", "true");
    countdown.start();
    return {
      symbol: "warning",
      title: say("errorTitle"),
      text: status === 0 ? say("errorUnreachable") : say("errorAnswer", { detail: status }),
      detail,
      action: { label: say("retryNow"), act: () => countdown.now() },
    };
  }
}

/** The card for a page that has no graphics, or lost them: `webgl`, `render` or `context`. */
export function graphicsCard(fault: "webgl" | "render" | "context", { say }: Words): StateCard {
  const card = { symbol: "warning", title: say(`${fault}Title`), text: say(`${fault}Text`) } as const;
  if (fault === "webgl") return card;
  return { ...card, action: { label: say("reload"), act: () => window.location.reload() } };
}
