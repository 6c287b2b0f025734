import { generateKeyPairSync } from "node:crypto";
import { isDigest } from "../../src/image/digest.ts";
import { signFeed } from "../../src/signer/feed-signer.ts";
import { parseSigningKey } from "../../src/signer/signing-key.ts";
import type { RootsFeedDocument } from "../../src/trust/roots-feed.ts";
import { githubClaims } from "../world/github-claims.ts";
import { bytesOf, type Document, put } from "./document.ts";
import { flipped } from "./faults-of-signatures.ts";
import type { Fault, Harmless } from "./mutation.ts";
import type { Trial } from "./trial.ts";

const newKey = () => {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  return parseSigningKey(privateKey.export({ format: "pem", type: "pkcs8" }).toString(), "feed");
};
const publishersKey = newKey();

const takenUp: NonNullable<Fault["policy"]> = (text, { registry: { host } }) =>
  `${text}  roots-from:\n    - ${JSON.stringify({ url: "https://roots.example/feed.json", key: { pem: publishersKey.publicKey.pem }, images: [`${host}/*/base`] })}\n`;

interface SignedFeed {
  readonly dsseEnvelope: { readonly payload: string };
}

/** A feed that names the base, signed. */
function feed(
  { images: { base } }: Trial,
  {
    by = publishersKey,
    image = base.repository,
    digest = base.index.digest,
    ...changes
  }: Partial<RootsFeedDocument> & {
    readonly by?: typeof publishersKey;
    readonly image?: string;
    readonly digest?: string;
  } = {},
): Uint8Array {
  if (!isDigest(digest)) throw new Error("no digest");
  const root = {
    image,
    digest,
    manifests: [],
    tags: [],
    reason: "read its recipe",
    added: "2026-01-02",
    expires: undefined,
  };
  const document = {
    issuer: "a publisher of roots",
    issued: new Date("2026-01-02T03:04:05Z"),
    expires: new Date("2099-01-02T03:04:05Z"),
    roots: [root],
    ...changes,
  };
  return bytesOf(signFeed(document, by) as unknown as Document);
}

/** An unsigned base, and a feed that would have to name it. */
function unhealed(what: string, cause: string, served: Fault["feed"], more: Partial<Fault> = {}): Fault {
  return {
    rule: "R27",
    what,
    gain: "Whoever serves the feed, or once published one, says which images need no attestation.",
    cause,
    spoil: { base: { attached: false } },
    policy: takenUp,
    ...(served && { feed: served }),
    node: "base",
    kind: "unattested",
    code: "unattested",
    ...more,
  };
}

const refused = { kind: "unreachable", code: "feed-refused", outcome: "undetermined" } as const;

/** Mutations of a feed of roots that policy takes up. */
export const FAULTS_OF_FEEDS: readonly Fault[] = [
  unhealed("the feed of roots names another digest of the base", "nothing-signed", (trial) =>
    feed(trial, { digest: `sha256:${"0".repeat(64)}` }),
  ),
  unhealed("the feed of roots names the base's digest under another name", "nothing-signed", (trial) =>
    feed(trial, { image: trial.images.app.repository }),
  ),
  unhealed(
    "the feed of roots that names the base is over",
    "root-expired",
    (trial) => feed(trial, { expires: new Date("2026-01-03T00:00:00Z") }),
    { kind: "opaque", code: "root-expired" },
  ),
  unhealed("another key signed the feed of roots", "feed", (trial) => feed(trial, { by: newKey() }), refused),
  unhealed(
    "a stranger's workflow signed the feed of roots, which verifies",
    "feed",
    async (trial) => {
      const { payload } = (JSON.parse(Buffer.from(feed(trial)).toString()) as SignedFeed).dsseEnvelope;
      const statement = Buffer.from(payload, "base64");
      return Buffer.from(
        JSON.stringify(await trial.sigstore.sign(statement, githubClaims({ repository: "evil/base" }))),
      );
    },
    refused,
  ),
  unhealed(
    "the feed of roots was changed after it was signed",
    "feed",
    (trial) =>
      bytesOf(
        put(
          JSON.parse(Buffer.from(feed(trial)).toString()) as Document,
          ["dsseEnvelope", "signatures", 0, "sig"],
          flipped,
        ),
      ),
    refused,
  ),
  unhealed(
    "the feed of roots is of a day to come",
    "feed",
    (trial) => feed(trial, { issued: new Date("2098-01-01T00:00:00Z") }),
    refused,
  ),
  unhealed(
    "what stands in the place of the feed of roots is no feed",
    "feed",
    () => Buffer.from("<html>log in</html>"),
    refused,
  ),
  unhealed("the feed of roots can't be had", "feed-absent", undefined, {
    kind: "unreachable",
    code: "feed-unread",
    outcome: "undetermined",
  }),
  unhealed("a feed of roots names a base that policy revokes", "revoked", (trial) => feed(trial), {
    kind: "revoked",
    code: "revoked",
    policy: (text, trial) =>
      `${takenUp(text, trial)}  revoked:\n    - { digest: "${trial.images.base.index.digest}", reason: it leaked }\n`,
  }),
];

/** Feeds that heal, and feeds that nothing hangs on. */
export const FED: readonly Harmless[] = [
  {
    rule: "R27",
    what: "a feed that policy takes up names the unsigned base as a root",
    why: "Its publisher looked at it, and policy says whose word that is.",
    spoil: { base: { attached: false } },
    policy: takenUp,
    feed: (trial) => feed(trial),
    level: 0,
    base: "root",
  },
  {
    rule: "R27",
    what: "the feed of roots can't be had, and the base can be walked",
    why: "What is attested needs no feed.",
    policy: takenUp,
  },
];
