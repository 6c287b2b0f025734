import type { Fault as Reply } from "../world/oci-registry.ts";
import type { Built, Name } from "./ancestry.ts";
import { BUNDLE, MANIFEST, PROVENANCE, referrerOf } from "./ancestry.ts";
import { bytesOf, type Document, put } from "./document.ts";
import { withDependency } from "./faults-of-provenance.ts";
import type { Fault } from "./mutation.ts";
import type { Trial } from "./trial.ts";

/** How long a test waits for a registry that never answers, in milliseconds. */
const PATIENCE_MS = 700;

const PASSES =
  "Whoever can break a connection, or fill a registry, turns an image that isn't trusted into one that is.";

/** Requests for one thing. */
export function requestsFor(path: string): RegExp {
  return new RegExp(`^GET /v2/${RegExp.escape(path)}(\\?|$)`);
}

export const indexOf = ({ path, index }: Built) => requestsFor(`${path}/manifests/${index.digest}`);
const taggedIndexOf = ({ path }: Built) => requestsFor(`${path}/manifests/1.0.0`);
const manifestOf = ({ path, manifest }: Built) => requestsFor(`${path}/manifests/${manifest.digest}`);
export const configOf = ({ path, manifest }: Built) => requestsFor(`${path}/blobs/${configDigest(manifest.bytes)}`);
const carrierOf = ({ path, referrer }: Built) => requestsFor(`${path}/manifests/${referrer}`);
export const listOf = ({ path, manifest }: Built) => requestsFor(`${path}/referrers/${manifest.digest}`);

function configDigest(manifest: Buffer): string {
  return (JSON.parse(manifest.toString()) as { readonly config: { readonly digest: string } }).config.digest;
}

/** A registry that doesn't answer as it should: we could not look. */
function reply(
  what: string,
  cause: string,
  code: string,
  pattern: (image: Built) => RegExp,
  answer: Reply | ((image: Built) => Reply),
  more: Partial<Fault> & { readonly of?: Name } = {},
): Fault {
  const { of = "base", ...others } = more;
  return {
    rule: "R15",
    what,
    gain: PASSES,
    cause,
    replies: ({ registry, images }) =>
      registry.fail(pattern(images[of]), typeof answer === "function" ? answer(images[of]) : answer),
    node: of,
    kind: "unreachable",
    code,
    outcome: "undetermined",
    ...others,
  };
}

const patience = () => ({ signal: AbortSignal.timeout(PATIENCE_MS) });
const elsewhere = (location: string): Reply => ({ status: 307, headers: { location } });

/** The half of a manifest, as a whole answer. */
const half = ({ index }: Built): Reply => ({ status: 200, body: index.bytes.subarray(0, index.bytes.length >> 1) });

function broken(): readonly Fault[] {
  return [
    reply("the base's registry answers 500", "down", "server-error", indexOf, { status: 500 }),
    reply("the base's registry answers 503 to its config", "down", "server-error", configOf, { status: 503 }),
    reply("the base's registry answers 418", "down", "server-error", indexOf, { status: 418 }),
    reply("the app's registry never answers", "timeout", "timeout", taggedIndexOf, "hang", {
      of: "app",
      client: patience,
    }),
    reply("the base's registry breaks the connection", "connection", "network", indexOf, "reset"),
    reply("the base's registry answers 429", "rate", "rate-limited", indexOf, { status: 429 }),
    reply("the base's registry answers 429 and asks for an hour's wait", "rate", "rate-limited", indexOf, {
      status: 429,
      headers: { "retry-after": "3600" },
    }),
    reply("the base's registry answers 401", "access", "credentials-refused", indexOf, { status: 401 }),
    reply("the base's registry answers 403", "access", "credentials-refused", indexOf, { status: 403 }),
    {
      ...reply("the base's registry hides it from us", "hidden", "not-found-unproven", indexOf, { status: 404 }),
      replies: ({ registry, images: { base } }) => {
        registry.fail(new RegExp(`^GET /v2/${base.path}/`), { status: 404 });
        registry.fail(/^GET \/v2\/$/, { status: 401 });
      },
      fresh: "base",
    },
    reply("the base's registry always sends wrong bytes", "bytes", "digest-mismatch", indexOf, "corrupt", {
      rule: "R23",
    }),
    reply("the base's config always comes with wrong bytes", "bytes", "digest-mismatch", configOf, "corrupt", {
      rule: "R23",
    }),
    reply("half of the base's index comes as a whole answer", "bytes", "digest-mismatch", indexOf, half, {
      rule: "R23",
    }),
    reply(
      "the base's index comes compressed, which nobody asked for",
      "down",
      "server-error",
      indexOf,
      ({ index }) => ({ status: 200, headers: { "content-encoding": "gzip" }, body: index.bytes }),
      { rule: "R23" },
    ),
    reply(
      "the app's registry answers 500 to its tag",
      "down",
      "server-error",
      taggedIndexOf,
      { status: 500 },
      { of: "app" },
    ),
    reply(
      "the app's tag leads to a login page",
      "down",
      "server-error",
      taggedIndexOf,
      { status: 200, headers: { "content-type": "text/html" }, body: "<html>log in</html>" },
      { of: "app" },
    ),
    reply(
      "the registry answers 500 to one of the app's manifests",
      "down",
      "server-error",
      manifestOf,
      { status: 500 },
      { of: "app" },
    ),
  ];
}

function redirected(): readonly Fault[] {
  const to = (what: string, location: string): Fault =>
    reply(`the base's registry sends us to ${what}`, "address", "address-refused", configOf, elsewhere(location), {
      rule: "R32",
      gain: "A registry makes whoever asks it talk to machines of his own network.",
    });
  return [
    to("the cloud's metadata service", "http://169.254.169.254/latest/meta-data/"),
    to("a private address", "https://10.0.0.1/blob"),
    to("another port of this machine", "http://127.0.0.1:1/blob"),
    to("a file", "file:///etc/passwd"),
    reply("the base's registry sends us round in a ring", "down", "server-error", configOf, (image) =>
      elsewhere(`/v2/${image.path}/blobs/${configDigest(image.manifest.bytes)}`),
    ),
    {
      rule: "R15",
      what: "the base's index comes larger than 4 MiB",
      gain: "A verifier that reads without a limit runs out of memory; one that cuts short judges other bytes.",
      cause: "size",
      replies: ({ registry, images: { base } }) =>
        registry.fail(indexOf(base), { status: 200, body: Buffer.alloc(4 * 1024 * 1024 + 1, "x") }),
      node: "base",
      kind: "limit",
      code: "limit",
    },
  ];
}

function listed(): readonly Fault[] {
  return [
    reply("the list of what refers to the base can't be had", "down", "server-error", listOf, { status: 500 }),
    reply("the list of what refers to the base is refused", "access", "credentials-refused", listOf, { status: 403 }),
    reply("the list of what refers to the base is a login page", "down", "server-error", listOf, {
      status: 200,
      headers: { "content-type": "text/html" },
      body: "<html>log in</html>",
    }),
    reply("what carries the base's bundle can't be had", "down", "server-error", carrierOf, { status: 500 }),
    reply("the base's bundle always comes with wrong bytes", "bytes", "digest-mismatch", carrierOf, "corrupt", {
      rule: "R23",
    }),
    {
      rule: "R15",
      what: "the base can't be had, and a file of the app comes from an image that isn't there",
      gain: "Whoever can break a connection hides what is proven to be wrong.",
      cause: "absent",
      spoil: {
        app: {
          provenance: (statement, { base }) =>
            withDependency(statement, 1, `pkg:docker/${base?.repository}@2.0.0`, `sha256:${"0".repeat(64)}`),
        },
      },
      replies: ({ registry, images: { base } }) => registry.fail(indexOf(base), { status: 500 }),
      node: "base",
      kind: "unresolved",
      code: "manifest-not-found",
      also: [{ node: "base", kind: "unreachable", code: "server-error" }],
    },
    {
      rule: "R15",
      what: "250 better-looking statements stand before the base's only good one",
      gain: "Whoever may post beside an image hides what was signed. (He can only make it untrusted, and the answer says why.)",
      cause: "crowd",
      spoil: { base: { attached: false } },
      after: (trial) => crowd(trial, 250, { "dev.sigstore.bundle.predicateType": PROVENANCE }, {}),
      node: "base",
      kind: "limit",
      code: "limit",
    },
  ];
}

/** Junk beside the base, and its own bundle with other hints. */
export function crowd(trial: Trial, count: number, junk: Document, own: Document): void {
  const { registry, images } = trial;
  const { base } = images;
  const bytes = bytesOf({ mediaType: BUNDLE });
  registry.putBlob(base.path, bytes);
  for (let i = 0; i < count; i++) {
    const carrier = put(referrerOf(registry, base.path, bytes, base.manifest), ["annotations"], {
      ...junk,
      i: String(i),
    });
    registry.putManifest(base.path, bytesOf(carrier), MANIFEST);
  }
  const carrier = put(referrerOf(registry, base.path, base.bundle, base.manifest), ["annotations"], own);
  registry.putManifest(base.path, bytesOf(carrier), MANIFEST);
}

/** Registries, and the way to them, that don't let us look. */
export const FAULTS_OF_REPLIES: readonly Fault[] = [...broken(), ...redirected(), ...listed()];
