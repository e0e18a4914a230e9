/** Which markers stand together on the screen. */

/** A sensor where it would stand, in CSS pixels. */
export interface Spot {
  readonly id: string;
  readonly site: string;
  readonly x: number;
  readonly y: number;
  readonly severity: number;
}

/** Sensors that one marker stands for; the first is the one that most wants to be seen. */
export interface Group<S extends Spot = Spot> {
  readonly spots: readonly [S, ...S[]];
  readonly x: number;
  readonly y: number;
  /** The site that all of them belong to; null where they are of several. */
  readonly site: string | null;
}

/** A site that is smaller than this on the screen is one marker. */
const SITE_PIXELS = 96;
/** Markers whose places are closer than this become one. */
const APART_X = 44;
const APART_Y = 40;

/**
 * Group sensors: a site seen from afar is one group; what still covers each other is joined, but for a sensor that is to
 * stand `apart`. The result depends on places and ids alone, not on the order of `spots`, so markers do not jump while the
 * camera rests.
 */
export function grouped<S extends Spot>(spots: readonly S[], apart: string | null = null): readonly Group<S>[] {
  const bySite = new Map<string, S[]>();
  for (const spot of spots) {
    const known = bySite.get(spot.site);
    if (known) known.push(spot);
    else bySite.set(spot.site, [spot]);
  }
  const groups: Group<S>[] = [];
  const alone: Group<S>[] = [];
  for (const [site, members] of bySite) {
    if (site !== "" && extentOf(members) < SITE_PIXELS) groups.push(groupOf(members));
    else for (const member of members) (member.id === apart ? alone : groups).push(groupOf([member]));
  }
  return [...joined(groups), ...alone];
}

function extentOf(spots: readonly Spot[]): number {
  const [xs, ys] = [spots.map(({ x }) => x), spots.map(({ y }) => y)];
  return Math.max(Math.max(...xs) - Math.min(...xs), Math.max(...ys) - Math.min(...ys));
}

/** The larger group keeps its place, and takes in what stands too close. */
function joined<S extends Spot>(groups: readonly Group<S>[]): readonly Group<S>[] {
  const waiting = [...groups].sort((a, b) => b.spots.length - a.spots.length || compare(a.spots[0].id, b.spots[0].id));
  const cells = new Map<string, { centre: Group<S>; members: S[] }[]>();
  const kept: { centre: Group<S>; members: S[] }[] = [];
  for (const group of waiting) {
    const [column, row] = [Math.floor(group.x / APART_X), Math.floor(group.y / APART_Y)];
    const near = [-1, 0, 1]
      .flatMap((dx) => [-1, 0, 1].flatMap((dy) => cells.get(`${column + dx},${row + dy}`) ?? []))
      .find(({ centre }) => Math.abs(centre.x - group.x) < APART_X && Math.abs(centre.y - group.y) < APART_Y);
    if (near) {
      near.members.push(...group.spots);
      continue;
    }
    const entry = { centre: group, members: [...group.spots] };
    kept.push(entry);
    const key = `${column},${row}`;
    cells.set(key, [...(cells.get(key) ?? []), entry]);
  }
  return kept.map(({ centre, members }) => ({ ...groupOf(members), x: centre.x, y: centre.y }));
}

function groupOf<S extends Spot>(members: readonly S[]): Group<S> {
  const spots = [...members].sort((a, b) => b.severity - a.severity || compare(a.id, b.id)) as [S, ...S[]];
  const site = spots[0].site;
  const mean = (axis: "x" | "y"): number => spots.reduce((sum, spot) => sum + spot[axis], 0) / spots.length;
  return {
    spots,
    x: mean("x"),
    y: mean("y"),
    site: spots.every((spot) => spot.site === site) ? site : null,
  };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
