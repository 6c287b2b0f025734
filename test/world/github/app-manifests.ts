import { randomBytes } from "node:crypto";
import type { Endpoints } from "./call.ts";
import { text } from "./call.ts";
import { notFound } from "./error.ts";
import { appDocument } from "./repository-document.ts";
import type { App, Permissions, State } from "./state.ts";

/** A code serves for an hour. */
const CODE_MS = 3_600_000;
/** Where a person registers an app of their own, or of an organisation. */
const PAGE = /^\/(?:organizations\/[^/]+\/)?settings\/apps\/new$/;

/** What is asked for an app. */
export interface Manifest {
  readonly name: string;
  readonly url: string;
  readonly redirect_url: string;
  readonly hook_attributes?: { readonly url?: string; readonly active?: boolean };
  readonly default_permissions?: Permissions;
  readonly default_events?: readonly string[];
  readonly public?: boolean;
}

/** The registration of the one app that this GitHub has, from a manifest. */
export class AppManifests {
  /** Every manifest that became the app, oldest first. */
  readonly registered: Manifest[] = [];
  readonly #state: State;
  readonly #codes = new Map<string, { readonly manifest: Manifest; readonly expires: number }>();

  constructor(state: State) {
    this.#state = state;
  }

  /**
   * A person's browser posts the form of somebody's page, and the person agrees.
   * @returns where they are sent then; undefined if that is no page for it.
   */
  post(
    url: URL,
    body: string,
  ): { readonly status: number; readonly location?: string; readonly problem?: string } | undefined {
    if (!PAGE.test(url.pathname)) return undefined;
    const given = new URLSearchParams(body).get("manifest");
    const manifest = given === null ? undefined : manifestOf(given);
    if (manifest === undefined) return { status: 422, problem: "Invalid GitHub App configuration" };
    const code = randomBytes(20).toString("hex");
    this.#codes.set(code, { manifest, expires: this.#state.now().getTime() + CODE_MS });
    const to = new URL(manifest.redirect_url);
    to.searchParams.set("code", code);
    const state = url.searchParams.get("state");
    if (state !== null) to.searchParams.set("state", state);
    return { status: 302, location: to.href };
  }

  /** What the program asks for that the person was sent back to. */
  endpoints(deliverTo: (url: string) => void): Endpoints {
    return {
      "POST /app-manifests/{code}/conversions": {
        kind: "anyone",
        answer: (call) => {
          const code = text(call, "code");
          const found = this.#codes.get(code);
          this.#codes.delete(code);
          if (found === undefined || found.expires <= this.#state.now().getTime()) throw notFound();
          const { manifest } = found;
          this.registered.push(manifest);
          const app: App = this.#state.app;
          app.permissions = { metadata: "read", ...manifest.default_permissions };
          app.events = manifest.default_events ?? [];
          const hook = manifest.hook_attributes;
          if (hook?.url !== undefined && hook.active !== false) deliverTo(hook.url);
          return {
            status: 201,
            body: {
              ...appDocument(this.#state, app.id),
              name: manifest.name,
              client_id: `Iv23li${app.slug}`,
              client_secret: randomBytes(20).toString("hex"),
              webhook_secret: app.webhookSecret,
              pem: app.privateKey,
            },
          };
        },
      },
    };
  }
}

/** GitHub wants absolute addresses, and events for which there are permissions. */
function manifestOf(given: string): Manifest | undefined {
  try {
    const manifest = JSON.parse(given) as Manifest;
    const { url, redirect_url, hook_attributes } = manifest;
    const addresses = [url, redirect_url, ...(hook_attributes === undefined ? [] : [hook_attributes.url])];
    const areGood = addresses.every(
      (each) => typeof each === "string" && /^https?:\/\//.test(each) && URL.canParse(each),
    );
    return areGood ? manifest : undefined;
  } catch {
    return undefined;
  }
}
