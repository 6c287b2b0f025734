import { createHmac, randomUUID } from "node:crypto";
import { request } from "node:http";
import type { Document } from "./seed.ts";
import type { State } from "./state.ts";
import { webhookFaults } from "./validation.ts";

/** One try to deliver an event. */
export interface Delivery {
  readonly id: number;
  /** The same for every try of an event; the header X-GitHub-Delivery. */
  readonly guid: string;
  readonly event: string;
  readonly action: string | null;
  readonly payload: Document;
  readonly installationId: number | null;
  readonly repositoryId: number | null;
  readonly redelivery: boolean;
  readonly deliveredAt: Date;
  /** `OK`, or what went wrong. Undefined while it is on its way or held. */
  readonly status: string | undefined;
  /** 0 where nobody answered: GitHub's own filter for failures doesn't find those. */
  readonly statusCode: number;
  /** In seconds. */
  readonly duration: number;
}

/** Which events, and what happens to them: lost on the way, kept back until `release`, or sent twice. */
export interface Interference {
  readonly how: "drop" | "hold" | "duplicate";
  /** All events if left out. */
  readonly event?: string;
  readonly action?: string;
  /** How many; all if left out. */
  readonly times?: number;
}

/** GitHub waits no longer for an answer, in milliseconds. */
const ANSWER_MS = 10_000;

type Writable = { -readonly [K in keyof Delivery]: Delivery[K] };

/** Webhooks of the app: signed, sent once, recorded; sent again only when the API asks for it. */
export class Deliveries {
  /** In the order of their sending. */
  readonly all: Delivery[] = [];
  /** Where the app listens; nothing is sent or recorded without it, as for an app without webhook URL. */
  target: string | undefined;
  readonly #state: State;
  readonly #pending = new Set<Promise<void>>();
  readonly #held: Writable[] = [];
  #interferences: { readonly what: Interference; left: number }[] = [];

  constructor(state: State) {
    this.#state = state;
  }

  /** Sends an event once. Resolves when it was answered, lost or held; it never fails. */
  async deliver(
    event: string,
    payload: Document,
    about: { readonly installationId: number | null; readonly repositoryId: number | null },
  ): Promise<void> {
    for (const fault of webhookFaults(event, payload)) this.#state.violations.push(fault);
    if (this.target === undefined) return;
    const action = typeof payload.action === "string" ? payload.action : null;
    const delivery = this.#record({ ...about, guid: randomUUID(), event, action, payload, redelivery: false });
    switch (this.#interference(event, action)) {
      case "drop":
        return finish(delivery, "failed to connect to host", 0);
      case "hold":
        this.#held.push(delivery);
        return;
      case "duplicate": {
        const { guid } = delivery;
        const again = this.#record({ ...about, guid, event, action, payload, redelivery: false });
        await Promise.all([this.#send(delivery), this.#send(again)]);
        return;
      }
      case undefined:
        return this.#send(delivery);
    }
  }

  /** From now on. */
  interfere(what: Interference): void {
    this.#interferences.push({ what, left: what.times ?? Number.POSITIVE_INFINITY });
  }

  /** Ends all interference; what is held stays held. */
  heal(): void {
    this.#interferences = [];
  }

  /** Sends what is held, each when the one before was answered. */
  async release({ reverse = false }: { readonly reverse?: boolean } = {}): Promise<void> {
    const held = this.#held.splice(0);
    for (const each of reverse ? held.reverse() : held) await this.#send(each);
  }

  /** Sends an event again, with the same guid, as a person can ask for. */
  async redeliver(delivery: Delivery): Promise<void> {
    const { guid, event, action, payload, installationId, repositoryId } = delivery;
    await this.#send(this.#record({ guid, event, action, payload, installationId, repositoryId, redelivery: true }));
  }

  /** Until nothing is on its way. */
  async idle(): Promise<void> {
    while (this.#pending.size > 0) await Promise.all(this.#pending);
  }

  #record(about: Omit<Delivery, "id" | "deliveredAt" | "status" | "statusCode" | "duration">): Writable {
    const id = this.#state.nextId("delivery");
    const delivery = { ...about, id, deliveredAt: this.#state.now(), status: undefined, statusCode: 0, duration: 0 };
    this.all.push(delivery);
    return delivery;
  }

  #interference(event: string, action: string | null): Interference["how"] | undefined {
    const found = this.#interferences.find(
      ({ what, left }) =>
        left > 0 && (what.event ?? event) === event && (what.action === undefined || what.action === action),
    );
    if (found === undefined) return undefined;
    found.left--;
    return found.what.how;
  }

  #send(delivery: Writable): Promise<void> {
    const done = this.#post(delivery).finally(() => this.#pending.delete(done));
    this.#pending.add(done);
    return done;
  }

  async #post(delivery: Writable): Promise<void> {
    const { app } = this.#state;
    const body = JSON.stringify(delivery.payload);
    const signature = (algorithm: string) => createHmac(algorithm, app.webhookSecret).update(body).digest("hex");
    const started = performance.now();
    try {
      const status = await post(this.target ?? "", body, {
        accept: "*/*",
        "content-type": "application/json",
        "user-agent": "GitHub-Hookshot/0000000",
        "x-github-delivery": delivery.guid,
        "x-github-event": delivery.event,
        "x-github-hook-id": "480000000",
        "x-github-hook-installation-target-id": String(app.id),
        "x-github-hook-installation-target-type": "integration",
        "x-hub-signature": `sha1=${signature("sha1")}`,
        "x-hub-signature-256": `sha256=${signature("sha256")}`,
      });
      finish(delivery, status >= 200 && status < 300 ? "OK" : "Invalid HTTP Response", status);
    } catch (error) {
      finish(delivery, (error as Error).name === "TimeoutError" ? "timed out" : "failed to connect to host", 0);
    }
    delivery.duration = Math.round((performance.now() - started) / 10) / 100;
  }
}

function finish(delivery: Writable, status: string, statusCode: number): void {
  delivery.status = status;
  delivery.statusCode = statusCode;
}

/** Without a pool of connections: one that a killed server left behind must not be taken for the server's answer. */
function post(target: string, body: string, headers: Readonly<Record<string, string>>): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request(target, {
      method: "POST",
      headers: { ...headers, "content-length": Buffer.byteLength(body) },
      agent: false,
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    sent.on("response", (response) => {
      response.resume();
      response.on("error", reject);
      response.on("end", () => resolve(response.statusCode ?? 0));
    });
    sent.on("error", (error) => reject(error.cause instanceof Error ? error.cause : error));
    sent.end(body);
  });
}
