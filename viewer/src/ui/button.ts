import { el } from "./dom";
import { type IconName, icon } from "./icons";

/** A square button with an icon; its name is read out and shown as a tooltip. */
export function iconButton(
  name: IconName,
  label: string,
  act: () => void,
  extra: Record<string, unknown> = {},
): HTMLButtonElement {
  return el(
    "button",
    { type: "button", class: "icon-button", "aria-label": label, title: label, act, ...extra },
    icon(name),
  );
}

/** A button that copies a text and says so for two seconds; calls `failed` where the browser forbids it. */
export function copyButton(
  label: string,
  doneLabel: string,
  text: () => string,
  failed: () => void,
): HTMLButtonElement {
  const button = iconButton("copy", label, async () => {
    try {
      await navigator.clipboard.writeText(text());
    } catch {
      failed();
      return;
    }
    button.replaceChildren(icon("check"));
    button.setAttribute("aria-label", doneLabel);
    setTimeout(() => {
      button.replaceChildren(icon("copy"));
      button.setAttribute("aria-label", label);
    }, 2000);
  });
  button.classList.add("small");
  return button;
}
