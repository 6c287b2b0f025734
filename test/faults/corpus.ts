import { existsSync, linkSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { OciRegistry } from "../world/oci-registry.ts";
import { startSigstore } from "../world/sigstore.ts";
import { INDEX, makeImage, NAMES, sha256 } from "./ancestry.ts";
import type { Document } from "./document.ts";
import { FAULTS } from "./fault-table.ts";
import { HARMLESS } from "./harmless.ts";
import type { Fault, Harmless, Mutation } from "./mutation.ts";
import { clock, firstOwn, makeAll, policyText, type Trial } from "./trial.ts";

/** Of the form in which cases are written. Another form, or another meaning of a field, has another number. */
export const CORPUS_VERSION = 1;

const REF = "org.opencontainers.image.ref.name";

/** What a verifier has to be given beside image, evidence, policy and trusted root to come to the expected verdict. */
export type Need =
  /** How the registry answers, which no layout can hold: the case is told in words. */
  | "replies"
  /** The run that was started for the image: `build` in `expected.json`. */
  | "build"
  /** What stands at the address of the policy's feed of roots: `feed.json`, if anything. */
  | "feed"
  /** What GitHub answers: `github.json`, or which branch is the default one. */
  | "github";

/** `expected.json`. */
export interface Expected {
  readonly version: typeof CORPUS_VERSION;
  readonly id: string;
  readonly rule: string;
  readonly description: string;
  /** What whoever does it would gain; or why it must not matter. */
  readonly reason: string;
  readonly verdict: "trusted" | "untrusted" | "undetermined";
  /** The first code of `told`; absent where the verdict is trusted. */
  readonly code?: string;
  /** Everything that keeps the image from being trusted. */
  readonly told: readonly { readonly image: string; readonly finding: string; readonly code: string }[];
  /** The lowest build level of the ancestry; of trusted verdicts alone. */
  readonly level?: number;
  /** As it is asked for. */
  readonly image: string;
  /** Of what stands under that tag; absent where nothing does. */
  readonly digest?: string;
  readonly needs: readonly Need[];
  readonly build?: unknown;
}

/** A case by its id, before anything is made of it. */
export interface Case {
  readonly id: string;
  readonly mutation: Fault | Harmless;
  readonly needs: readonly Need[];
}

/** Every mutation of the tables, and the good ancestry. */
export function cases(): readonly Case[] {
  const good: Harmless = { rule: "R17", what: "nothing is changed", why: "It is the good ancestry." };
  return [good, ...HARMLESS, ...FAULTS].map((mutation) => ({ id: idOf(mutation), mutation, needs: needsOf(mutation) }));
}

function idOf({ rule, what }: Mutation): string {
  const words = what
    .toLowerCase()
    .replace(/'/g, "")
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "");
  return `${rule.toLowerCase()}-${words}`;
}

function needsOf({ replies, client, registry, own, feed, policy, github, what }: Mutation): readonly Need[] {
  const text = policy?.toString() ?? "";
  return [
    ...(replies || client || registry ? (["replies"] as const) : []),
    ...(own ? (["build"] as const) : []),
    ...(feed || /feed of roots/.test(what) ? (["feed"] as const) : []),
    ...(github || /default-branch/.test(text) ? (["github"] as const) : []),
  ];
}

/** What a registry holds, without a registry. */
interface Repository {
  readonly manifests: Map<string, { readonly bytes: Uint8Array; readonly mediaType: string }>;
  readonly blobs: Map<string, Uint8Array>;
  readonly tags: Map<string, string>;
}
type Repositories = Map<string, Repository>;

/** Takes images under the name of a registry that isn't there, and answers from `repositories`. */
function keeper(host: string, repositories: Repositories): OciRegistry {
  const of = (name: string): Repository => {
    const known = repositories.get(name) ?? { manifests: new Map(), blobs: new Map(), tags: new Map() };
    repositories.set(name, known);
    return known;
  };
  return {
    host,
    realmHost: host,
    storageHost: host,
    requests: [],
    delay: () => {},
    fail: () => {},
    heal: () => {},
    putBlob: (name, bytes) => {
      of(name).blobs.set(sha256(bytes), bytes);
      return sha256(bytes);
    },
    putManifest: (name, bytes, mediaType, tag) => {
      of(name).manifests.set(sha256(bytes), { bytes, mediaType });
      if (tag !== undefined) of(name).tags.set(tag, sha256(bytes));
      return sha256(bytes);
    },
    read: (name, digest) => {
      const bytes = of(name).blobs.get(digest) ?? of(name).manifests.get(digest)?.bytes;
      if (bytes === undefined) throw new Error(`${name} has no ${digest}`);
      return bytes;
    },
    readTag: (name, tag) => repositories.get(name)?.tags.get(tag),
    close: async () => {},
  };
}

const copy = (repositories: Repositories): Repositories =>
  new Map(
    [...repositories].map(([name, { manifests, blobs, tags }]) => [
      name,
      { manifests: new Map(manifests), blobs: new Map(blobs), tags: new Map(tags) },
    ]),
  );

/**
 * Writes cases as other verifiers can be run against them: see the README that it writes beside them. Keys and times are new in each
 * corpus, and all else is the same.
 *
 * @param directory - Made anew.
 * @param host - Of the registry whose names the images have.
 */
export async function writeCorpus(directory: string, host: string, wanted: readonly Case[]): Promise<void> {
  rmSync(directory, { recursive: true, force: true });
  // Some are signed, or logged, later than others.
  const now = () => new Date(Date.now() + clock.aheadMs);
  const [sigstore, stranger] = await Promise.all([startSigstore({ now }), startSigstore({ now })]);
  try {
    const signers = { sigstore, stranger };
    const shared: Repositories = new Map();
    const registry = keeper(host, shared);
    const elsewhere = await makeImage({ ...signers, registry, namespace: "elsewhere/deep" }, "base", {});
    const common = { ...signers, elsewhere };
    const good = await makeAll({ ...common, registry, namespace: "good", images: {} }, NAMES, {});
    const written: Expected[] = [];
    for (const { id, mutation, needs } of wanted) {
      const repositories = copy(shared);
      const first = firstOwn(mutation);
      const own = first === undefined ? [] : NAMES.slice(NAMES.indexOf(first));
      const kept = Object.fromEntries(NAMES.filter((name) => !own.includes(name)).map((name) => [name, good[name]]));
      const place = { ...common, registry: keeper(host, repositories), namespace: id };
      const images = await makeAll({ ...place, images: kept }, own, mutation.spoil ?? {});
      const trial: Trial = { ...place, images };
      await mutation.after?.(trial);
      const expected = expectedOf({ id, mutation, needs }, trial);
      written.push(expected);
      await writeCase(directory, expected, mutation, trial, repositories);
    }
    const index = written.map(({ id, rule, description, verdict, code, needs }) => ({
      id,
      rule,
      description,
      verdict,
      code,
      needs,
    }));
    write(directory, "corpus.json", `${JSON.stringify({ version: CORPUS_VERSION, cases: index }, null, 2)}\n`);
    write(directory, "README.md", README);
  } finally {
    await Promise.all([sigstore.close(), stranger.close()]);
  }
}

function expectedOf({ id, mutation, needs }: Case, trial: Trial): Expected {
  const { registry, images } = trial;
  const { app } = images;
  const digest = registry.readTag(app.path, "1.0.0");
  const { rule, what } = mutation;
  const common = {
    version: CORPUS_VERSION,
    id,
    rule,
    description: what,
    image: `${app.repository}:1.0.0`,
    ...(digest !== undefined && { digest }),
    needs,
    ...(mutation.own && { build: mutation.own }),
  } as const;
  if ("why" in mutation)
    return { ...common, reason: mutation.why, verdict: "trusted", told: [], level: mutation.level ?? 3 };
  const { gain, outcome = "untrusted", node, kind, code, also = [] } = mutation;
  const nameOf = (each: Fault["node"]) => (each === "other" || each === "dependency" ? each : images[each].repository);
  const told = [{ node, kind, code }, ...also].map((each) => ({
    image: nameOf(each.node),
    finding: each.kind,
    code: each.code,
  }));
  return { ...common, reason: gain, verdict: outcome, code, told };
}

async function writeCase(
  directory: string,
  expected: Expected,
  mutation: Mutation,
  trial: Trial,
  repositories: Repositories,
): Promise<void> {
  const place = join("cases", expected.id);
  write(directory, join(place, "expected.json"), `${JSON.stringify(expected, null, 2)}\n`);
  const text = policyText(trial.registry.host);
  write(directory, join(place, "policy.yml"), mutation.policy?.(text, trial) ?? text);
  const root = trial.sigstore.trustedRoot as Document;
  write(
    directory,
    join(place, "trusted_root.json"),
    `${JSON.stringify(mutation.trustedRoot?.(root, trial) ?? root, null, 2)}\n`,
  );
  if (mutation.feed) write(directory, join(place, "feed.json"), await mutation.feed(trial));
  if (mutation.github) write(directory, join(place, "github.json"), JSON.stringify(mutation.github(trial)));
  if (expected.needs.includes("replies")) return;
  const layout = join(place, "layout");
  const entries: Document[] = [];
  for (const [name, { manifests, blobs, tags }] of repositories) {
    for (const bytes of blobs.values()) link(directory, layout, bytes);
    const tagged = [...tags].map(([tag, digest]) => [digest, `:${tag}`] as const);
    const bare = [...manifests.keys()].filter((digest) => !tagged.some(([each]) => each === digest));
    for (const [digest, suffix] of [...tagged, ...bare.map((each) => [each, `@${each}`] as const)]) {
      const manifest = manifests.get(digest);
      if (manifest === undefined) continue;
      link(directory, layout, manifest.bytes);
      const annotations = { [REF]: `${trial.registry.host}/${name}${suffix}` };
      entries.push({ mediaType: manifest.mediaType, digest, size: manifest.bytes.length, annotations });
    }
  }
  write(directory, join(layout, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
  write(
    directory,
    join(layout, "index.json"),
    JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests: entries }),
  );
}

function write(directory: string, path: string, content: string | Uint8Array): void {
  mkdirSync(join(directory, dirname(path)), { recursive: true });
  writeFileSync(join(directory, path), content);
}

/** Cases share most of what they hold: each blob is on disk once, under several names. */
function link(directory: string, layout: string, bytes: Uint8Array): void {
  const name = join("blobs", sha256(bytes).replace(":", "/"));
  const [stored, linked] = [join(directory, name), join(directory, layout, name)];
  if (!existsSync(stored)) write(directory, name, bytes);
  mkdirSync(dirname(linked), { recursive: true });
  if (!existsSync(linked)) linkSync(stored, linked);
}

const README = `# A corpus for verifiers of container images and their ancestry

One ancestry of three images (base from scratch, runtime on base, app on runtime with a file of base), and in each case one thing of it
made different. \`corpus.json\` lists the cases. Version ${CORPUS_VERSION}.

Each folder in \`cases/\` has

- \`expected.json\`: what is different, the rule that it tries, the image that is asked about, and what a verifier has to come to;
- \`policy.yml\`: whose word counts, in the form of docs/policy.md;
- \`trusted_root.json\`: Sigstore's TrustedRoot, the one instance that is trusted. Nothing is in a public log;
- \`layout/\`: an OCI image layout with all that there is. \`index.json\` names each manifest by its repository, \`HOST/REPOSITORY:TAG\` or
  \`HOST/REPOSITORY@DIGEST\`, with the media type that a registry serves it with; blobs stand in the repositories of the manifests that
  name them. What refers to an image by \`subject\` is what is signed about it. What isn't in the layout doesn't exist.

\`verdict\` is \`trusted\`, \`untrusted\`, or \`undetermined\` where it can't be looked at. No verifier may trust what isn't trusted here; to
call the reason by the same \`code\` is what ours holds itself to. \`told\` names every image at which something is wrong.

\`needs\` is empty where image, policy and trusted root are all. Otherwise: \`build\`, the run that must have signed (in \`expected.json\`);
\`feed\`, what is served as the policy's feed of roots (\`feed.json\`, or nothing); \`github\`, what GitHub answers (\`github.json\`);
\`replies\`, how a registry answers, for which there is no layout but the description.

To run a verifier that reads registries, push each layout to the registry whose name it has, whatever a name is: the manifests under their
repositories and tags. Blobs are hard links to \`blobs/\`.
`;
