/** Outlined icons of one family (Lucide, ISC licence), drawn as SVG elements. */

import {
  CalendarDays,
  Check,
  CircleQuestionMark,
  Copy,
  createElement,
  House,
  type IconNode,
  Info,
  Languages,
  Layers,
  Link,
  LocateFixed,
  Minus,
  Navigation,
  Plus,
  Radio,
  RotateCw,
  Sun,
  Thermometer,
  TriangleAlert,
  Wind,
  X,
} from "lucide";

const ICONS = {
  calendar: CalendarDays,
  check: Check,
  close: X,
  copy: Copy,
  help: CircleQuestionMark,
  home: House,
  info: Info,
  language: Languages,
  layers: Layers,
  link: Link,
  live: Radio,
  minus: Minus,
  north: Navigation,
  now: LocateFixed,
  plus: Plus,
  retry: RotateCw,
  sensors: Thermometer,
  sun: Sun,
  warning: TriangleAlert,
  wind: Wind,
} satisfies Record<string, IconNode>;

export type IconName = keyof typeof ICONS;

/** An icon for the eye alone; the button around it carries the name. */
export function icon(name: IconName): SVGElement {
  return createElement(ICONS[name], {
    width: 20,
    height: 20,
    "stroke-width": 1.75,
    "aria-hidden": "true",
    focusable: "false",
  });
}
