import { type CivilTime, clock } from "../twin/civil_time";
import { formatDate, parseDay } from "../twin/format";
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
  // The browser would write the day in the order of its own language, so the field is ours and only the calendar its.
  const date = el("input", {
    type: "text",
    id: "date",
    inputmode: "numeric",
    autocomplete: "off",
    size: "10",
    maxlength: "10",
  });
  const calendar = el("input", { type: "date", class: "calendar", tabindex: "-1", "aria-hidden": "true" });
  const output = el("output", { for: "time-of-day", class: "clock" });
  const summary = el("span", { class: "clock" });
  slider.addEventListener("input", () => change({ ...current, minutes: Number(slider.value) }));
  date.addEventListener("change", () => {
    const day = parseDay(date.value);
    if (day === null) date.value = formatDate(current.date, language);
    else change({ ...current, date: day });
  });
  calendar.addEventListener("change", () => {
    if (calendar.value !== "") change({ ...current, date: calendar.value });
  });
  const openCalendar = iconButton("calendar", say("calendar"), () => calendar.showPicker());
  const controls = el(
    "div",
    { class: "controls", id: "time-controls" },
    el("label", { class: "visually-hidden", for: "time-of-day", text: say("timeOfDay") }),
    slider,
    output,
    el("label", { class: "visually-hidden", for: "date", text: say("date") }),
    el("span", { class: "day" }, date, openCalendar, calendar),
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
      date.value = formatDate(time.date, language);
      calendar.value = time.date;
    },
  };
}
