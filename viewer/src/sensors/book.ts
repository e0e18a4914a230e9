/** What is known of all sensors, kept up to date message by message. */

import type { Alert, Heartbeat, Message, Property, Recency, Thing } from "./protocol";

/** What a message has changed. */
export interface Difference {
  /** Ids; null for all of them, those that are gone too. */
  readonly things: ReadonlySet<string> | null;
  readonly alerts: boolean;
}

const LATER = (a: number, b: number): number => b - a;

export class Book {
  things: ReadonlyMap<string, Thing> = new Map();
  properties: ReadonlyMap<string, Property> = new Map();
  private alertsById = new Map<string, Alert>();
  /** The server's clock at the newest message, and ours. */
  private heard: { readonly server: number; readonly own: number } | null = null;
  /** Whether messages may be missed now: then no time passes for the sensors. */
  private isHalted = false;
  /** False where the server has said that it cannot read its database. */
  isCurrent = true;

  /** Where to go on from after an interruption. */
  position: string | null = null;

  constructor(private readonly clock: () => number = Date.now) {}

  /** When the newest message was written, by the server's clock; null before the first. */
  get lastHeard(): number | null {
    return this.heard?.server ?? null;
  }

  /** Alerts that are open, the gravest first and of those the newest. */
  get open(): readonly Alert[] {
    return [...this.alertsById.values()]
      .filter(({ closed }) => closed === null)
      .sort((a, b) => LATER(a.rank, b.rank) || LATER(a.opened, b.opened));
  }

  /** Alerts that are over, the newest end first. */
  get over(): readonly Alert[] {
    return [...this.alertsById.values()]
      .filter(({ closed }) => closed !== null)
      .sort((a, b) => LATER(a.closed ?? 0, b.closed ?? 0));
  }

  /** The time that sensors are judged by: the server's, and the last that was heard while nothing can be heard. */
  get now(): number {
    if (!this.heard) return this.clock();
    return this.isHalted ? this.heard.server : this.heard.server + Math.max(this.clock() - this.heard.own, 0);
  }

  /** Tell whether messages come. */
  setConnected(isConnected: boolean): void {
    this.isHalted = !isConnected;
  }

  apply(message: Message): Difference {
    this.position = message.id;
    // A snapshot may be some seconds old; time does not run backwards.
    const time = Math.max(message.time, this.heard ? Math.min(this.now, message.time + 5_000) : 0);
    this.heard = { server: time, own: this.clock() };
    if (message.type === "heartbeat") return this.beat(message);
    this.isCurrent = true;
    if (message.type === "snapshot") {
      this.things = new Map(message.things.map((thing) => [thing.id, thing]));
      this.properties = new Map(message.properties.map((property) => [property.key, property]));
      this.alertsById = new Map(message.alerts.map((alert) => [alert.id, alert]));
      return { things: null, alerts: true };
    }
    const things = new Map(this.things);
    const changed = new Set<string>();
    for (const { latest, id, ...recency } of message.things) {
      const known = things.get(id);
      if (!known) continue;
      things.set(id, { ...known, ...recency, latest: new Map([...known.latest, ...latest]) });
      changed.add(id);
    }
    this.things = things;
    for (const alert of message.alerts) this.alertsById.set(alert.id, alert);
    return { things: changed, alerts: message.alerts.length > 0 };
  }

  private beat(message: Heartbeat): Difference {
    this.isCurrent = message.isCurrent;
    return { things: new Set(), alerts: false };
  }
}

/** How recent a sensor is at a time. */
export function recencyAt(recency: Recency, now: number): "fresh" | "late" | "stale" | "silent" | "never" {
  const { lastSeen, lateFrom, staleFrom, silentFrom } = recency;
  if (lastSeen === null) return "never";
  if (silentFrom !== null && now >= silentFrom) return "silent";
  if (staleFrom !== null && now >= staleFrom) return "stale";
  return lateFrom !== null && now >= lateFrom ? "late" : "fresh";
}
