import { type CivilTime, clock } from "../twin/civil_time";
import type { SunPosition } from "../twin/sun";
import type { Words } from "../twin/words";
import { iconButton } from "./button";
import { el } from "./dom";
import { icon } from "./icons";

export interface Daytime {
  readonly element: HTMLElement;
  /** Show a time and where the sun stands then. */
  set(time: CivilTime, sun: SunPosition): void;
}

/** Date and time of day, which move the sun. On narrow screens it opens from a button. */
export function daytime({ say, language }: Words, change: (time: CivilTime) => void, now: () => void): Daytime {
  let current: CivilTime = { date: "", minutes: 0 };
  const slider = el("input", { type: "range", id: "time-of-day", min: "0", max: "1430", step: "10" });
  const date = el("input", { type: "date", id: "date", min: "1990-01-01", max: "2099-12-31", required: true });
  const output = el("output", { for: "time-of-day", class: "clock" });
  const summary = el("span", { class: "clock" });
  slider.addEventListener("input", () => change({ ...current, minutes: Number(slider.value) }));
  date.addEventListener("change", () => {
    if (date.validity.valid && date.value !== "") change({ ...current, date: date.value });
    else date.value = current.date;
  });
  const controls = el(
    "div",
    { class: "controls", id: "time-controls" },
    el("label", { class: "visually-hidden", for: "time-of-day", text: say("timeOfDay") }),
    slider,
    output,
    el("label", { class: "visually-hidden", for: "date", text: say("date") }),
    date,
    iconButton("now", say("now"), now),
  );
  const toggle = el(
    "button",
    { type: "button", class: "toggle", "aria-expanded": "false", "aria-controls": "time-controls" },
    icon("sun"),
    el("span", { class: "visually-hidden", text: `${say("time")}: ` }),
    summary,
  );
  const symbol = el("span", { class: "symbol", "aria-hidden": "true" }, icon("sun"));
  const element = el("section", { class: "daytime surface", "aria-label": say("time") }, toggle, symbol, controls);
  toggle.addEventListener("click", () => {
    const isOpen = element.classList.toggle("open");
    toggle.setAttribute("aria-expanded", String(isOpen));
  });
  return {
    element,
    set(time, sun) {
      current = time;
      const text = say("oClock", { clock: clock(time.minutes) });
      slider.value = String(time.minutes);
      const elevation = Math.round(sun.elevation).toLocaleString(language);
      const stands = sun.elevation > 0 ? say("sunUp", { elevation }) : say("sunDown");
      slider.setAttribute("aria-valuetext", `${text}, ${stands}`);
      element.title = stands;
      output.textContent = text;
      summary.textContent = text;
      if (date.value !== time.date) date.value = time.date;
    },
  };
}
