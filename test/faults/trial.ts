import { createServer } from "node:http";
import { createGitHubAttestations } from "../../src/github/attestations.ts";
import { createGitHubClient } from "../../src/github/client.ts";
import { readDocument } from "../../src/image/json.ts";
import { parseReference } from "../../src/image/reference.ts";
import { createRegistryClient, type RegistryOptions } from "../../src/registry/client.ts";
import { parseTrustedRoot } from "../../src/sigstore/trusted-root.ts";
import { createBundleVerifier } from "../../src/sigstore/verifier.ts";
import { type Ancestry, ancestryOfFinding, type WalkPorts, walkAncestry } from "../../src/trust/ancestry.ts";
import { combineSources } from "../../src/trust/attestation-sources.ts";
import type { FeedPorts } from "../../src/trust/feed-reading.ts";
import { parsePolicy } from "../../src/trust/policy.ts";
import { type AttestationSource, type BundleVerifier, CouldNotLook } from "../../src/trust/ports.ts";
import { createByteStore, type Resolve, recordWalk } from "../../src/trust/recording.ts";
import { replayPorts } from "../../src/trust/replaying.ts";
import { findingOf } from "../../src/trust/resolve.ts";
import { judge, type Verdict } from "../../src/trust/verdict.ts";
import { walkRecordSchema } from "../../src/trust/walk-record.ts";
import { listen, stop } from "../world/github/listen.ts";
import { type OciRegistry, startOciRegistry } from "../world/oci-registry.ts";
import { type Sigstore, startSigstore } from "../world/sigstore.ts";
import { BUILDER, BUILDER_COMMIT, type Built, FACTS, makeImage, NAMES, type Name, OWNER_ID } from "./ancestry.ts";
import type { Document } from "./document.ts";
import type { GithubReply, Mutation } from "./mutation.ts";

/** One ancestry with one thing changed, ready to be judged. */
export interface Trial {
  readonly registry: OciRegistry;
  readonly sigstore: Sigstore;
  readonly stranger: Sigstore;
  readonly images: Readonly<Record<Name, Built>>;
  /** The namespace of the images that only this trial has. */
  readonly namespace: string;
  readonly elsewhere: Built;
}

/** What all trials stand on: two Sigstore instances, and registries of three kinds. */
export interface Ground {
  try(mutation: Mutation): Promise<{ readonly verdict: Verdict; readonly trial: Trial }>;
  /** The same over ports that write down what they answer, and then over what was written, as a file holds it. */
  tryWritten(mutation: Mutation): Promise<{ readonly verdict: Verdict; readonly replayed: Verdict }>;
  close(): Promise<void>;
}

/** The clock of the Sigstore instances, for hooks that sign late. In milliseconds ahead of the true time. */
export const clock = { aheadMs: 0 };

/** Starts the ground; nothing of it is docker's, and all of it speaks the real protocols over loopback. */
export async function startGround(): Promise<Ground> {
  const now = () => new Date(Date.now() + clock.aheadMs);
  const [sigstore, stranger, usual, withoutReferrers, paged] = await Promise.all([
    startSigstore({ now }),
    startSigstore({ now }),
    startOciRegistry(),
    startOciRegistry({ referrers: false }),
    startOciRegistry({ pageSize: 1 }),
  ]);
  const registries = { usual, "without-referrers": withoutReferrers, paged };
  const signers = { sigstore, stranger };
  // One level deeper than any pattern of the policy reaches.
  const elsewhere = await makeImage({ ...signers, registry: usual, namespace: "elsewhere/deep" }, "base", {});
  const common = { ...signers, elsewhere };
  const good = await makeAll({ ...common, registry: usual, namespace: "good", images: {} }, NAMES, {});
  let count = 0;

  const prepare = async (mutation: Mutation): Promise<Trial> => {
    const { spoil = {}, registry: kind = "usual" } = mutation;
    const registry = registries[kind];
    const first = firstOwn(mutation);
    const namespace = `trial${++count}`;
    if (kind === "usual" && first === undefined) return { ...common, registry, namespace, images: good };
    const from = kind === "usual" ? NAMES.indexOf(first ?? "base") : 0;
    const shared = Object.fromEntries(NAMES.slice(0, from).map((name) => [name, good[name]]));
    const place = { ...common, registry, namespace, images: shared };
    return { ...common, registry, namespace, images: await makeAll(place, NAMES.slice(from), spoil) };
  };

  const tryBy = async (mutation: Mutation, through?: Through) => {
    const trial = await prepare(mutation);
    await mutation.after?.(trial);
    try {
      mutation.replies?.(trial);
      return { verdict: await judgeTrial(trial, mutation, through), trial };
    } finally {
      trial.registry.heal();
    }
  };

  return {
    try: (mutation) => tryBy(mutation),
    async tryWritten(mutation) {
      const replays: (() => Promise<Verdict>)[] = [];
      const { verdict } = await tryBy(mutation, async (ports, resolve, judgeBy) => {
        const store = createByteStore(Number.MAX_SAFE_INTEGER);
        const recording = recordWalk(ports, resolve, store);
        const judged = await judgeBy(recording.ports, recording.ports.resolve);
        const text = JSON.stringify(await recording.finish());
        replays.push(() => {
          const written = replayPorts(readDocument(walkRecordSchema, Buffer.from(text)), store.bytes, ports.verifier);
          return judgeBy(written, written.resolve);
        });
        return judged;
      });
      const [replay] = replays;
      if (replay === undefined) throw new Error("nothing was written down");
      return { verdict, replayed: await replay() };
    },
    close: async () => {
      await Promise.all([sigstore, stranger, usual, withoutReferrers, paged].map((each) => each.close()));
    },
  };
}

/** Makes images one after the other, each on those before it; those that are there already stay. */
export async function makeAll(
  place: Omit<Trial, "images"> & { readonly images: Readonly<Partial<Record<Name, Built>>> },
  names: readonly Name[],
  spoil: NonNullable<Mutation["spoil"]>,
): Promise<Readonly<Record<Name, Built>>> {
  let images = place.images;
  for (const name of names) images = { ...images, [name]: await makeImage(place, name, images, spoil[name]) };
  const { base, runtime, app } = images;
  if (base === undefined || runtime === undefined || app === undefined) throw new Error("an image was not made");
  return { base, runtime, app };
}

/** From which image on a mutation shares nothing with others; undefined where it shares all. */
export function firstOwn({ spoil = {}, fresh, after }: Mutation): Name | undefined {
  return fresh ?? NAMES.find((name) => spoil[name] !== undefined) ?? (after && "base");
}

type Judge = (ports: WalkPorts, resolve: Resolve) => Promise<Verdict>;

/** Puts something between the walk and its ports. */
type Through = (ports: WalkPorts, resolve: Resolve, judgeBy: Judge) => Promise<Verdict>;

/** As the command does it: the tag is resolved once, the walk starts at the digest. */
async function judgeTrial(
  trial: Trial,
  mutation: Mutation,
  through: Through = (ports, resolve, judgeBy) => judgeBy(ports, resolve),
): Promise<Verdict> {
  const { registry, sigstore, images } = trial;
  const text = policyText(registry.host);
  const policy = parsePolicy(Buffer.from(mutation.policy?.(text, trial) ?? text), "policy.yml");
  const client = createRegistryClient({ ...clientOptions(registry), ...mutation.client?.() });
  const github = mutation.github && (await startGithub(mutation.github(trial), images.base.repository, client));
  const ports = {
    images: client,
    attestations: combineSources(github === undefined ? [client] : [client, github.source]),
    layers: client,
    verifier: verifierOf(mutation.trustedRoot?.(sigstore.trustedRoot as Document, trial) ?? sigstore.trustedRoot),
    feeds: feedsOf(await mutation.feed?.(trial)),
  };
  const reference = parseReference(`${images.app.repository}:1.0.0`);
  const asOf = new Date();
  const judgeBy: Judge = async (by, resolve) => {
    let ancestry: Ancestry;
    try {
      const resolved = await resolve(reference);
      ancestry =
        resolved === undefined
          ? ancestryOfFinding(reference, { kind: "unresolved", code: "tag-not-found", reason: "not there" })
          : await walkAncestry(by, policy, resolved.pinned, "every", asOf, mutation.own);
    } catch (error) {
      ancestry = ancestryOfFinding(reference, findingOf(error));
    }
    return judge(ancestry, policy, reference, asOf);
  };
  try {
    return await through(ports, client.resolve, judgeBy);
  } finally {
    await client.close();
    await github?.close();
  }
}

/** GitHub's attestations API on loopback, with one answer, beside the registry. */
async function startGithub(
  { status = 200, body }: GithubReply,
  image: string,
  { download }: ReturnType<typeof createRegistryClient>,
): Promise<{ readonly source: AttestationSource; readonly close: () => Promise<void> }> {
  const server = createServer((request, response) => {
    const isList = request.url?.includes("/attestations/") === true;
    response.writeHead(isList ? status : 200, { "content-type": "application/json" });
    response.end(JSON.stringify(isList ? body : { full_name: "acme/base", private: false }));
  });
  const url = await listen(server);
  const source = createGitHubAttestations({
    octokit: async () => createGitHubClient(url, "a token"),
    fetchBundle: download,
    ownsContainerRegistry: false,
    own: { image, owner: "acme", name: "base" },
  });
  return { source, close: () => stop(server) };
}

const verifiers = new Map<unknown, BundleVerifier>();

/** Reading a trusted root takes longer than judging with it; most mutations leave it as it is. */
function verifierOf(root: unknown): BundleVerifier {
  const known = verifiers.get(root);
  if (known !== undefined) return known;
  const verifier = createBundleVerifier({ roots: [parseTrustedRoot(Buffer.from(JSON.stringify(root)), "local")] });
  verifiers.set(root, verifier);
  return verifier;
}

/** A feed of roots that is served to everyone alike, and is seen for the first time. */
function feedsOf(bytes: Uint8Array | undefined): FeedPorts {
  return {
    source: {
      fetchFeed: async (url) => {
        if (bytes === undefined) throw new CouldNotLook("network", `read ${url}: no answer`);
        return bytes;
      },
    },
    shelf: { readFeed: async () => undefined, keepFeed: async () => {} },
  };
}

function clientOptions(registry: OciRegistry): RegistryOptions {
  return { allowHosts: [registry.host], pause: async () => {} };
}

/** The policy that accepts the good ancestry: three pairs of image and source, one isolated builder at one commit. */
export function policyText(host: string): string {
  const builders = NAMES.map(
    (name) => `
    - images: ["${host}/*/${name}"]
      github:
        repository: acme/${name}
        repository-id: ${FACTS[name].id}
        owner-id: ${OWNER_ID}
        workflow: ${BUILDER}@refs/tags/v*
        workflow-digest: ${BUILDER_COMMIT}
      level: 3
      builds: true`,
  );
  return `version: 1\ntrust:\n  builders:${builders.join("")}\n`;
}
