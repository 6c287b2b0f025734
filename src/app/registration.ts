import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import type { RegisteredApp } from "../github/app-manifest.ts";
import { type Manifest, manifestFor } from "./manifest.ts";

/** GitHub's code serves for an hour, and so does what waits for it; in milliseconds. */
const PENDING_MS = 3_600_000;
/** Of tokens, states and cookies. */
const SECRET_BYTES = 24;
/** Where GitHub sends a person back to. */
export const CALLBACK_PATH = "/setup/callback";

/** Variables that are set when an app was registered. */
export const CREDENTIALS = ["APP_ID", "PRIVATE_KEY", "WEBHOOK_SECRET"] as const;

/** What registering needs of the world. */
export interface RegistrationPorts {
  now(): Date;
  /** Shows whoever started the server the token that the page asks for: nobody else may see it. */
  showToken(token: string): void;
  /** @returns undefined where GitHub knows no such code. @throws {CouldNotLook} */
  exchange(code: string): Promise<RegisteredApp | undefined>;
  /** @throws {EnvFileError} where credentials can't be kept, or are there already. */
  check(names: readonly string[]): void;
  /** @throws {EnvFileError} */
  keep(variables: Readonly<Record<string, string>>, comment: string): void;
}

/** What a person enters on the set-up page. */
export interface Entered {
  readonly token: string;
  /** Whose app it is to be; empty: the person's own. */
  readonly organisation: string;
  readonly publicUrl: string;
  readonly writes: boolean;
}

/** How far it came. */
export type Begun =
  | { readonly kind: "refused"; readonly faults: readonly string[] }
  | {
      readonly kind: "begun";
      /** Where the manifest is posted to. */
      readonly action: string;
      readonly manifest: Manifest;
      /** Of the browser that entered the token: nobody else may come back with the code. */
      readonly cookie: string;
      /** Whether GitHub can't reach an address like that. */
      readonly isLoopback: boolean;
    };

/** What came of it. `stranger`: it isn't the browser that began; nothing was done, and nothing is used up. */
export type Finished =
  | { readonly kind: "stranger" | "no-code" }
  | { readonly kind: "registered"; readonly app: Pick<RegisteredApp, "id" | "slug" | "url"> };

interface Pending {
  readonly state: Buffer;
  readonly cookie: Buffer;
  readonly publicUrl: string;
  readonly until: number;
}

/**
 * The registration of this server's one app, from the token that was shown to who started it to the credentials in the file. A stranger
 * who reaches the page could otherwise register an app of his own, and be the one whom this server listens to.
 */
export class Registration {
  readonly #ports: RegistrationPorts;
  readonly #server: string;
  readonly #givenUrl: string | undefined;
  #token: Buffer = Buffer.alloc(0);
  /** The last one that was begun: there is one app, and one person who registers it. */
  #pending: Pending | undefined;
  #isOver = false;

  /** @param server - GitHub's. @param publicUrl - As it is configured; what is entered counts for nothing then. */
  constructor(ports: RegistrationPorts, server: string, publicUrl: string | undefined) {
    this.#ports = ports;
    this.#server = server;
    this.#givenUrl = publicUrl;
    this.#renewToken();
  }

  /** @param origin - Of the page as the person's browser sees it: there it comes back to. @throws {EnvFileError} */
  begin(entered: Entered, origin: string): Begun {
    if (this.#isOver) return { kind: "refused", faults: ["An app has been registered. This server needs no other."] };
    // The token first: what else is wrong is nobody's business but its owner's.
    if (!timingSafeEqual(digest(entered.token.trim()), this.#token))
      return {
        kind: "refused",
        faults: ["That is not the token which the server has printed last, where it was started."],
      };
    const organisation = entered.organisation.trim();
    const address = addressOf(this.#givenUrl ?? entered.publicUrl.trim());
    const faults = [
      ...(address === undefined ? ["The address of this server: as https://builds.example.org"] : []),
      ...(/^([A-Za-z0-9][A-Za-z0-9_-]{0,99})?$/.test(organisation) ? [] : ["The organisation: its name at GitHub"]),
    ];
    if (address === undefined || faults.length > 0) return { kind: "refused", faults };
    this.#ports.check(CREDENTIALS);
    this.#renewToken();
    // Written anew from its parts: what was entered could have had a line end in it, which would be another variable of the file.
    const publicUrl = `${address.origin}${address.pathname}`.replace(/\/+$/, "");
    const [state, cookie] = [secret(), secret()];
    const until = this.#ports.now().getTime() + PENDING_MS;
    this.#pending = { state: digest(state), cookie: digest(cookie), publicUrl, until };
    const page = organisation === "" ? "settings/apps/new" : `organizations/${organisation}/settings/apps/new`;
    return {
      kind: "begun",
      action: `${this.#server}/${page}?state=${state}`,
      manifest: manifestFor(publicUrl, `${origin}${CALLBACK_PATH}`, entered.writes),
      cookie,
      isLoopback: /^(localhost|127\.[\d.]+|0\.0\.0\.0|\[::1?\])$/.test(address.hostname),
    };
  }

  /**
   * Takes the code with which GitHub sends the person back, once.
   *
   * @throws {CouldNotLook} where GitHub didn't answer: the app may be there, without a key that anybody knows. @throws {EnvFileError}
   */
  async finish(code: string, state: string, cookie: string): Promise<Finished> {
    const pending = this.#pending;
    if (pending === undefined || pending.until <= this.#ports.now().getTime()) return { kind: "stranger" };
    const isState = timingSafeEqual(digest(state), pending.state);
    const isCookie = timingSafeEqual(digest(cookie), pending.cookie);
    // A stranger's try must not end what somebody else has begun.
    if (!isState || !isCookie) return { kind: "stranger" };
    this.#pending = undefined;
    this.#ports.check(CREDENTIALS);
    const app = await this.#ports.exchange(code);
    if (app === undefined) return { kind: "no-code" };
    this.#ports.keep(
      {
        APP_ID: String(app.id),
        // On one line, and without a sign that some reader of such files takes for more than itself.
        PRIVATE_KEY: Buffer.from(app.privateKey).toString("base64"),
        WEBHOOK_SECRET: app.webhookSecret,
        ...(this.#givenUrl === undefined && { PUBLIC_URL: pending.publicUrl }),
      },
      `the GitHub App ${app.slug}`,
    );
    this.#isOver = true;
    return { kind: "registered", app };
  }

  #renewToken(): void {
    const token = secret();
    this.#token = digest(token);
    this.#ports.showToken(token);
  }
}

function secret(): string {
  return randomBytes(SECRET_BYTES).toString("base64url");
}

/** Of one length, whatever was sent: the comparison takes as long for every guess. */
function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

/** An address on the web whose host has no sign that means something elsewhere. */
function addressOf(text: string): URL | undefined {
  const url = URL.parse(text);
  const isGood =
    url !== null &&
    /^https?:$/.test(url.protocol) &&
    /^(?:[a-z0-9.-]+|\[[0-9a-f:.]+\])$/.test(url.hostname) &&
    /^[\w./~-]*$/.test(url.pathname) &&
    `${url.username}${url.password}${url.search}${url.hash}` === "";
  return isGood ? url : undefined;
}
