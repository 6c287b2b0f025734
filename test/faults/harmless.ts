import { createHash } from "node:crypto";
import { githubClaims } from "../world/github-claims.ts";
import { BUNDLE, hex, IN_TOTO, INDEX, LAYER, MANIFEST, PROVENANCE, referrerOf, runOf, sizeOf } from "./ancestry.ts";
import { bytesOf, type Document, put, putAll } from "./document.ts";
import { OWN, tagging } from "./faults-of-builds.ts";
import { OTHER_FORMS } from "./faults-of-entries.ts";
import { FED } from "./faults-of-feeds.ts";
import { recompressed } from "./faults-of-layers.ts";
import { OTHER_PLACES } from "./faults-of-places.ts";
import { SEVERAL_PLATFORMS } from "./faults-of-platforms.ts";
import { attach, BUILDER_ID, COMPLETE, DEPENDENCIES, REQUEST, SOURCE, STEPS } from "./faults-of-provenance.ts";
import { configOf, crowd, indexOf, listOf } from "./faults-of-replies.ts";
import { ENTRY, flipped, loggedLater } from "./faults-of-signatures.ts";
import { SIGNED_BY_OTHERS } from "./faults-of-signers.ts";
import { SUMMARISED } from "./faults-of-summaries.ts";
import type { Harmless } from "./mutation.ts";
import type { Trial } from "./trial.ts";

const TRANSPORT = "Anyone may post anything; what is good among it counts all the same.";
const HINT = "A list's types and annotations are hints; what the manifest itself holds decides.";
const PASSING = "What passes by itself is tried again.";

/** Puts what refers to the base where registries without the API have it. */
function putFallbackTag({ registry, images: { base } }: Trial, entries: readonly Document[]): void {
  const list = bytesOf({ schemaVersion: 2, mediaType: INDEX, manifests: entries });
  registry.putManifest(base.path, list, INDEX, base.manifest.digest.replace(":", "-"));
}

const entryOf = ({ images: { base } }: Trial): Document => ({ mediaType: MANIFEST, digest: base.referrer, size: 1 });

/** Anything at all, hung on the base as if it were a bundle. */
function postJunk(
  { registry, images: { base } }: Trial,
  content: string,
  artifactType: string,
  layerType = artifactType,
) {
  const bytes = bytesOf(content);
  registry.putBlob(base.path, bytes);
  const carrier = putAll(referrerOf(registry, base.path, bytes, base.manifest), [
    [["annotations"], { artifactType }],
    [["layers", 0], { ...sizeOf(bytes, layerType), note: artifactType }],
  ]);
  registry.putManifest(base.path, bytesOf({ ...carrier, artifactType }), MANIFEST);
}

/** A statement about the base by someone whom policy doesn't know. */
async function postAsStranger({ registry, sigstore, images: { base } }: Trial, statement: Document): Promise<void> {
  const claims = githubClaims({ repository: "evil/base" });
  const bytes = bytesOf((await sigstore.sign(bytesOf(statement), claims)) as unknown as Document);
  registry.putBlob(base.path, bytes);
  registry.putManifest(base.path, bytesOf(referrerOf(registry, base.path, bytes, base.manifest)), MANIFEST);
}

function posted(): readonly Harmless[] {
  const post = (what: string, after: NonNullable<Harmless["after"]>, why = TRANSPORT): Harmless => ({
    rule: "R15",
    what,
    why,
    after,
  });
  return [
    post("junk that calls itself a bundle stands beside the base's", (trial) => postJunk(trial, "junk", BUNDLE)),
    post("a bare statement stands beside the base's bundle", (trial) =>
      postJunk(trial, JSON.stringify(trial.images.base.statement), IN_TOTO),
    ),
    post("300 pieces of junk stand beside the base's bundle, which says what it is", (trial) =>
      crowd(trial, 300, {}, { "dev.sigstore.bundle.predicateType": PROVENANCE }),
    ),
    post("a stranger vouches for the base too, and names a parent that isn't there", (trial) =>
      postAsStranger(
        trial,
        put(trial.images.base.statement, DEPENDENCIES, (list: unknown[]) => [
          ...list,
          { uri: "pkg:docker/evil/thing@1", digest: { sha256: "0".repeat(64) } },
        ]),
      ),
    ),
    post("a stranger says that the base was built from another commit", (trial) =>
      postAsStranger(trial, put(trial.images.base.statement, [...SOURCE, "digest", "sha1"], "9".repeat(40))),
    ),
    post("the app's bundle hangs on the base too", async (trial) => {
      const { registry, images } = trial;
      const { base, app } = images;
      registry.putBlob(base.path, app.bundle);
      registry.putManifest(base.path, bytesOf(referrerOf(registry, base.path, app.bundle, base.manifest)), MANIFEST);
    }),
    post("an accepted list of packages hangs on the base too", (trial) =>
      attach(trial, trial.images.base, {
        ...trial.images.base.statement,
        predicateType: "https://spdx.dev/Document",
        predicate: {},
      }),
    ),
    post("the same bundle hangs on the base twice", (trial) => {
      const { registry, images } = trial;
      const { base } = images;
      const carrier = put(referrerOf(registry, base.path, base.bundle, base.manifest), ["annotations"], { copy: "2" });
      registry.putManifest(base.path, bytesOf(carrier), MANIFEST);
    }),
    post("the fallback tag holds junk", ({ registry, images: { base } }) => {
      registry.putManifest(base.path, Buffer.from("junk"), INDEX, base.manifest.digest.replace(":", "-"));
    }),
    post("the fallback tag lists the app's carrier beside the base's", (trial) =>
      putFallbackTag(trial, [{ mediaType: MANIFEST, digest: trial.images.app.referrer, size: 1 }, entryOf(trial)]),
    ),
  ];
}

function transported(): readonly Harmless[] {
  const carrier = (what: string, referrer: (document: Document) => Document): Harmless => ({
    rule: "R15",
    what,
    why: HINT,
    spoil: { base: { referrer } },
  });
  const once = (what: string, replies: NonNullable<Harmless["replies"]>): Harmless => ({
    rule: "R15",
    what,
    why: PASSING,
    replies,
  });
  const tagged = (what: string, change: (entry: Document) => Document, why = HINT): Harmless => ({
    rule: "R15",
    what,
    why,
    after: (trial) => putFallbackTag(trial, [change(entryOf(trial))]),
    replies: ({ registry, images: { base } }) => registry.fail(listOf(base), { status: 404 }),
  });
  return [
    carrier("the carrier's type is OCI's empty one", (document) =>
      put(document, ["artifactType"], "application/vnd.oci.empty.v1+json"),
    ),
    carrier("the carrier has no type", (document) => put(document, ["artifactType"], undefined)),
    carrier("the carrier calls itself a list of packages", (document) =>
      put(document, ["artifactType"], "application/spdx+json"),
    ),
    carrier("the carrier's layer has a general type", (document) =>
      put(document, ["layers", 0, "mediaType"], "application/octet-stream"),
    ),
    carrier("the carrier says another size of the image that it is about", (document) =>
      put(document, ["subject", "size"], 1),
    ),
    tagged("the registry has no referrers API, and the fallback tag lists the bundle", (entry) => entry),
    tagged("the fallback tag calls the bundle something else", (entry) => ({ ...entry, artifactType: "text/plain" })),
    tagged("the fallback tag says another size", (entry) => ({ ...entry, size: 123456 })),
    {
      ...tagged("the referrers API is down, and the fallback tag lists the bundle", (entry) => entry, TRANSPORT),
      replies: ({ registry, images: { base } }) => registry.fail(listOf(base), { status: 500 }),
    },
    {
      rule: "R15",
      what: "the registry lists one referrer a page, and there are several",
      why: "Pages are read to the end.",
      registry: "paged",
      after: (trial) => {
        postJunk(trial, "one", BUNDLE);
        postJunk(trial, "two", IN_TOTO);
      },
    },
    once("the base's registry answers 500 once", ({ registry, images: { base } }) =>
      registry.fail(indexOf(base), { status: 500 }, 1),
    ),
    once("the base's registry answers 429 once", ({ registry, images: { base } }) =>
      registry.fail(indexOf(base), { status: 429, headers: { "retry-after": "1" } }, 1),
    ),
    once("the base's registry breaks the connection once", ({ registry, images: { base } }) =>
      registry.fail(configOf(base), "reset", 1),
    ),
    {
      ...once("wrong bytes come once", ({ registry, images: { base } }) => registry.fail(indexOf(base), "corrupt", 1)),
      rule: "R23",
    },
  ];
}

function signed(): readonly Harmless[] {
  const older = "The older extension says the same, and counts where the new one is absent.";
  const unread = "Policy's triple doesn't rest on it.";
  const without = (what: string, arc: number, why: string): Harmless => ({
    rule: "R6",
    what: `the certificate lacks ${what}`,
    why,
    spoil: { base: { sign: { omitExtensions: [arc] } } },
  });
  const other = (what: string, arc: number, value: string, why: string): Harmless => ({
    rule: "R7",
    what: `the certificate has another ${what}`,
    why,
    spoil: { base: { sign: { overrideExtensions: { [arc]: value } } } },
  });
  return [
    without("the newer issuer (.8)", 8, older),
    without("the newer source repository (.12)", 12, older),
    without("the newer commit (.13)", 13, older),
    without("the newer ref (.14)", 14, older),
    without("the newer event (.20)", 20, older),
    without("the owner's address (.16)", 16, "The source repository and the owner's number say it."),
    without("the caller's workflow (.18)", 18, unread),
    without("the commit of the caller's workflow (.19)", 19, unread),
    without("the source's visibility (.22)", 22, unread),
    other(
      "caller's workflow (.18)",
      18,
      "https://github.com/evil/x/.github/workflows/x.yml@refs/heads/x",
      "The caller isn't the builder; who it is decides nothing.",
    ),
    {
      rule: "R12",
      what: "a timestamp proves the time instead of the log",
      why: "Either is a proven time.",
      spoil: { base: { sign: { rekor: 2 } } },
    },
    {
      rule: "R12",
      what: "it was logged five minutes after it was signed",
      why: "The certificate was valid then.",
      spoil: { base: { sign: { rekor: false }, bundle: loggedLater(5 * 60_000) } },
    },
    {
      rule: "R12",
      what: "the bundle says another root of the log's tree than the checkpoint",
      why: "The root that counts is the one that the log signed; what stands beside it isn't read.",
      spoil: { base: { bundle: (bundle) => put(bundle, [...ENTRY, "inclusionProof", "rootHash"], flipped) } },
    },
    {
      rule: "R13",
      what: "the subject has the right SHA-512 as well",
      why: "Every digest that can be computed matches.",
      spoil: {
        base: {
          statement: (statement, { manifest }) =>
            put(statement, ["subject", 0, "digest", "sha512"], digest512(manifest.bytes)),
        },
      },
    },
    {
      rule: "R13",
      what: "the statement is about another image too",
      why: "One of its subjects is this image.",
      spoil: {
        base: {
          statement: (statement) =>
            put(statement, ["subject"], (list: unknown[]) => [
              { name: "x", digest: { sha256: "0".repeat(64) } },
              ...list,
            ]),
        },
      },
    },
    {
      rule: "R13",
      what: "the subject's name is that of another image",
      why: "Names inside statements prove nothing, neither for nor against.",
      spoil: { base: { statement: (statement) => put(statement, ["subject", 0, "name"], "pkg:docker/evil/x@1") } },
    },
    {
      rule: "R11",
      what: "the signed provenance is about the index instead of the platform's manifest",
      why: "A signature over an index covers every byte that it reaches.",
      spoil: {
        app: {
          inIndex: false,
          statement: (statement, { index }) => put(statement, ["subject", 0, "digest", "sha256"], hex(index.digest)),
          referrer: (document, { index }) => put(document, ["subject"], sizeOf(index.bytes, INDEX)),
        },
      },
    },
    {
      rule: "R11",
      what: "the app's index is signed, and the provenance inside is tied to the run",
      why: "It is the signer's word.",
      spoil: { app: { signs: "index" } },
    },
    {
      rule: "R11",
      what: "the provenance inside the signed index names the run without its attempt",
      why: "One tie is there and agrees; older clients leave the attempt out.",
      spoil: {
        app: {
          signs: "index",
          contained: (statement) => put(statement, BUILDER_ID, (id: string) => id.replace("/attempts/1", "")),
        },
      },
    },
    {
      rule: "R11",
      what: "the provenance inside the signed index names no builder",
      why: "Its git source is the certificate's: one tie is there and agrees. The level is 2 at most.",
      level: 2,
      spoil: { app: { signs: "index", contained: (statement) => put(statement, BUILDER_ID, "") } },
    },
  ];
}

function built(): readonly Harmless[] {
  const app = (what: string, why: string, provenance: (statement: Document) => Document, level?: number): Harmless => ({
    rule: "R16",
    what,
    why,
    spoil: { app: { provenance } },
    ...(level !== undefined && { level }),
  });
  return [
    app("the app's dependencies stand in another order", "The list has no order.", (statement) =>
      put(statement, DEPENDENCIES, (list: unknown[]) => list.toReversed()),
    ),
    app("the app's steps stand in another order", "The graph has none but its own.", (statement) =>
      put(statement, STEPS, (list: unknown[]) => list.toReversed()),
    ),
    app("the app's input stands in the steps alone", "It is a parent all the same.", (statement) =>
      put(statement, [...DEPENDENCIES, 1], undefined),
    ),
    app(
      "the app's provenance has fields that nobody knows",
      "Unknown fields are ignored, as the specifications ask.",
      (statement) =>
        putAll(statement, [
          [["extra"], true],
          [["predicate", "runDetails", "extra"], { a: 1 }],
        ]),
    ),
    app(
      "the app's provenance is without steps (mode=min)",
      "The list is complete and the seam holds; the level is 2 at most.",
      (statement) => put(statement, STEPS, []),
      2,
    ),
    {
      ...app(
        "the app was built from a directory of the builder's, which policy lets in",
        "Its parents are known; the source isn't proven, so that the level is 1 at most.",
        (statement) =>
          putAll(statement, [
            [SOURCE, { path: "Dockerfile" }],
            [DEPENDENCIES, (list: unknown[]) => list.slice(0, 2)],
            [[...REQUEST, "locals"], [{ name: "context" }]],
            [COMPLETE, false],
            [[...STEPS, 1, "op", "Op", "source"], { identifier: "local://context", attrs: {} }],
          ]),
        1,
      ),
      policy: (text) => `${text}  allow: { local-context: true }\n`,
      rule: "R10",
    },
    {
      rule: "R21",
      what: "a layer of the base was compressed anew under the image in the middle",
      why: "What is in both is hashed, and is what both configs say: the seam is proven.",
      spoil: { runtime: { layers: ([first, ...own]) => [recompressed(first), ...own] } },
    },
    {
      rule: "R21",
      what: "a layer of the base was compressed anew under the image in the middle, in a form that isn't unpacked here",
      why: "The uncompressed digests agree; the seam is claimed by two configs and not proven, so that the level is 1 at most.",
      spoil: {
        runtime: {
          layers: ([first, ...own]) => [recompressed(first), ...own],
          manifest: (document) => put(document, ["layers", 0, "mediaType"], `${LAYER}+encrypted`),
        },
      },
      level: 1,
    },
    {
      rule: "R23",
      what: "manifest, index and config have fields that nobody knows",
      why: "Unknown fields are ignored, as the specifications ask.",
      spoil: {
        app: {
          manifest: (document) => ({ ...document, extra: 1 }),
          index: (document) => ({ ...document, extra: 1 }),
          config: (document) => ({ ...document, extra: 1 }),
        },
      },
    },
    {
      rule: "R11",
      what: "nothing but the image stands in the app's index",
      why: "The provenance is signed by itself.",
      spoil: { app: { inIndex: false } },
    },
  ];
}

function asked(): readonly Harmless[] {
  const policy = (rule: string, what: string, why: string, change: NonNullable<Harmless["policy"]>): Harmless => ({
    rule,
    what,
    why,
    policy: change,
  });
  return [
    {
      ...policy(
        "R27",
        "policy names an unsigned base as a root",
        "The asker looked at it; the answer shows it as a root.",
        (text, { images }) =>
          `${text}  roots:\n    - { image: "${images.base.repository}@${images.base.index.digest}", reason: looked at it, expires: 2099-01-01 }\n`,
      ),
      spoil: { base: { attached: false } },
      level: 0,
      base: "root",
    },
    policy(
      "R12",
      "policy revokes the builder until a day before it signed",
      "The window and the proven time don't meet.",
      (text) =>
        `${text}  revoked:\n    - { identity: "https://github.com/acme/**@refs/tags/*", until: "2020-01-01", reason: it leaked }\n`,
    ),
    policy(
      "R27",
      "policy revokes another digest",
      "It isn't in the ancestry.",
      (text) => `${text}  revoked:\n    - { digest: "sha256:${"0".repeat(64)}", reason: it leaked }\n`,
    ),
    policy(
      "R30",
      "policy judges this platform alone",
      "It is the one that there is.",
      (text) => `${text}  platforms: [linux/amd64]\n`,
    ),
    policy(
      "R9",
      "policy says how the app is built, and so it was",
      "Every signed parameter is policy's.",
      (text, { images }) =>
        `${text}builds:\n  - { image: "${images.app.repository}", tags: ["v*"], image-tags: ["{version}"] }\n`,
    ),
    {
      rule: "R9",
      what: "the asker started the run that signed the app",
      why: "Run, attempt, commit, ref and numbers are the build's; the ancestors are of other builds.",
      own: OWN,
    },
    {
      rule: "R9",
      what: "the run that the asker started signed the app's index",
      why: "The provenance inside is tied to that run.",
      spoil: { app: { signs: "index" } },
      own: OWN,
    },
    {
      rule: "R9",
      what: "another run says the same of the app that the asker's run signed",
      why: "It doesn't count, and takes nothing away.",
      fresh: "app",
      after: (trial) => attach(trial, trial.images.app, trial.images.app.statement, { ...runOf("app"), runId: 999 }),
      own: OWN,
    },
    policy(
      "R26",
      "the tag that it was asked by is one of several that policy gives the app",
      "Its git tag makes it, by one of the templates.",
      tagging("{tag}", "edge-{tag}", "{version}"),
    ),
  ];
}

function digest512(bytes: Buffer): string {
  return createHash("sha512").update(bytes).digest("hex");
}

/** Mutations that must change nothing but, where it says so, the level. */
export const HARMLESS: readonly Harmless[] = [
  ...posted(),
  ...transported(),
  ...signed(),
  ...built(),
  ...asked(),
  ...SEVERAL_PLATFORMS,
  ...OTHER_FORMS,
  ...OTHER_PLACES,
  ...SIGNED_BY_OTHERS,
  ...SUMMARISED,
  ...FED,
];
