import { generateKeyPairSync } from "node:crypto";
import { createFeedShelf } from "../../src/app/feed-shelf.ts";
import { imageName } from "../../src/image/reference.ts";
import { signFeed } from "../../src/signer/feed-signer.ts";
import { parseSigningKey } from "../../src/signer/signing-key.ts";
import type { TrustedRootProfile } from "../../src/sigstore/trusted-root.ts";
import { createBundleVerifier } from "../../src/sigstore/verifier.ts";
import { type WalkPorts, walkAncestry } from "../../src/trust/ancestry.ts";
import type { OwnBuild } from "../../src/trust/own-build.ts";
import type { Policy } from "../../src/trust/policy.ts";
import { BeyondLimit, CouldNotLook, type FeedShelf } from "../../src/trust/ports.ts";
import type { FeedRoot, RootsFeedDocument } from "../../src/trust/roots-feed.ts";
import { judge, type Verdict } from "../../src/trust/verdict.ts";
import { AS_OF, type Built, policyOf, World } from "./world.ts";

export const FEED_URL = "https://roots.example/feed.json";

/** A key on P-256. */
export function newFeedKey() {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  return parseSigningKey(privateKey.export({ format: "pem", type: "pkcs8" }).toString(), "test");
}

export const feedKey = newFeedKey();

/** An entry of `trust.roots-from`. */
export function feedEntry(changes: Readonly<Record<string, unknown>> = {}): string {
  const entry = { url: FEED_URL, key: { pem: feedKey.publicKey.pem }, images: ["ghcr.io/acme/*"], ...changes };
  return JSON.stringify(Object.fromEntries(Object.entries(entry).filter(([, value]) => value !== undefined)));
}

/** The policy of these worlds, with feeds; `more` are lines below `trust:`. */
export function policyWithFeeds(entries: readonly string[] = [feedEntry()], more = ""): Policy {
  return policyOf({ trust: `  roots-from: [${entries.join(", ")}]\n${more}` });
}

/** An entry about an image, by its index where it has one. */
export function rootFor(image: Built, changes: Partial<FeedRoot> = {}): FeedRoot {
  const { digest } = image.image;
  return {
    image: imageName(image.image),
    digest,
    manifests: [],
    tags: ["1"],
    reason: "read its recipe",
    added: "2026-11-01",
    expires: undefined,
    ...changes,
  };
}

/** A feed as its publisher signs it, on the day before the time of judging. */
export function feedBytes(
  roots: readonly FeedRoot[],
  { by = feedKey, ...changes }: Partial<RootsFeedDocument> & { readonly by?: typeof feedKey } = {},
): Uint8Array {
  const document = {
    issuer: "Acme platform team",
    issued: new Date("2026-11-20T12:00:00Z"),
    expires: new Date("2026-12-20T12:00:00Z"),
    roots,
    ...changes,
  };
  return Buffer.from(JSON.stringify(signFeed(document, by)));
}

/** What is served at the feed's address: its bytes, or the error that fetching them ends with. */
export type Served = Uint8Array | Error;

export const unserved = new CouldNotLook("network", "read a roots feed: no answer");

/** The ports of a world in which this is served. Feeds are verified for real. */
export function portsWith(
  world: World,
  served: Served,
  shelf: FeedShelf = createFeedShelf(),
  roots: readonly TrustedRootProfile[] = [],
): WalkPorts {
  const ports = world.ports();
  const real = createBundleVerifier({ roots });
  return {
    ...ports,
    verifier: { verifyBundle: (bundle, keys) => world.verified.get(bundle.digest) ?? real.verifyBundle(bundle, keys) },
    feeds: {
      shelf,
      source: {
        async fetchFeed(_, limit) {
          if (served instanceof Error) throw served;
          if (served.length > limit) throw new BeyondLimit("read a roots feed: too large");
          return served;
        },
      },
    },
  };
}

/** Walks and judges where this is served. */
export async function judgeWith(
  world: World,
  image: Built,
  served: Served,
  {
    policy = policyWithFeeds(),
    asOf = AS_OF,
    shelf,
    own,
    roots,
  }: {
    policy?: Policy;
    asOf?: Date;
    shelf?: FeedShelf;
    own?: OwnBuild;
    roots?: readonly TrustedRootProfile[];
  } = {},
): Promise<Verdict> {
  const ports = portsWith(world, served, shelf, roots);
  return judge(await walkAncestry(ports, policy, image.image, "every", asOf, own), policy, image.image, asOf);
}

/** An app on a base of which nothing is signed. */
export function appOnUnsigned() {
  const world = new World();
  const base = world.build("base", { signed: "nothing" });
  return { world, base, app: world.build("app", { base }) };
}
