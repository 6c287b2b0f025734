import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { gunzipSync, gzipSync } from "node:zlib";
import { readBundleFile } from "../../src/archive/bundles.ts";
import { type Elsewhere, nothingElsewhere } from "../../src/cli/elsewhere.ts";
import { UsageError } from "../../src/cli/exit-code.ts";
import { openSubject, parseAsked } from "../../src/cli/subject.ts";
import { digestOf } from "../../src/image/digest.ts";
import { formatReference, type PinnedImage } from "../../src/image/reference.ts";
import { parseTrustedRoot } from "../../src/sigstore/trusted-root.ts";
import { createBundleVerifier } from "../../src/sigstore/verifier.ts";
import { ancestryOfFinding, walkAncestry } from "../../src/trust/ancestry.ts";
import { combineSources } from "../../src/trust/attestation-sources.ts";
import { parsePolicy } from "../../src/trust/policy.ts";
import { type BundleVerifier, CouldNotLook } from "../../src/trust/ports.ts";
import { judge, type Verdict } from "../../src/trust/verdict.ts";
import { type Entry, layoutFiles, type Shelf, shelf, tarOf, writeFiles } from "../archive/on-disk.ts";
import {
  type Built,
  EMPTY,
  IN_TOTO,
  MANIFEST,
  makeImage,
  referrerOf,
  runOf,
  sha256,
  signStatement,
} from "../faults/ancestry.ts";
import { policyText } from "../faults/trial.ts";
import { githubClaims } from "../world/github-claims.ts";
import { startSigstore } from "../world/sigstore.ts";

const HOST = "registry.example";
const NAME = `${HOST}/good/app`;
const CONTAINERD = "io.containerd.image.name";
const REF = "org.opencontainers.image.ref.name";

const directory = mkdtempSync(join(tmpdir(), "on-disk-"));
const sigstore = await startSigstore();
after(async () => {
  rmSync(directory, { recursive: true, force: true });
  await sigstore.close();
});

const stock = shelf(HOST);
let app: Built;
let runtime: Built;
let base: Built;
let verifier: BundleVerifier;
before(async () => {
  const place = { registry: stock, namespace: "good", sigstore, stranger: sigstore };
  base = await makeImage(place, "base", {});
  runtime = await makeImage(place, "runtime", { base });
  app = await makeImage(place, "app", { base, runtime });
  verifier = createBundleVerifier({
    roots: [parseTrustedRoot(Buffer.from(JSON.stringify(sigstore.trustedRoot)), "local")],
  });
});

/** The entries of a whole layout: the image with its name, and everything that is signed. */
const whole = (
  annotations: Readonly<Record<string, string>> = { [CONTAINERD]: `${NAME}:1.0.0`, [REF]: "1.0.0" },
): Entry[] => [stock.entry(app.index.digest, annotations), ...signed()];
const signed = () => [app, runtime, base].map(({ referrer }) => stock.entry(referrer));

let count = 0;
const folder = (files: ReadonlyMap<string, Uint8Array>) => writeFiles(join(directory, `${++count}`), files);
const file = (bytes: Uint8Array, name = "archive.tar") => {
  const path = join(directory, `${++count}-${name}`);
  writeFileSync(path, bytes);
  return path;
};
const without = (from: Shelf, ...digests: readonly string[]): Shelf => ({
  ...from,
  blobs: new Map([...from.blobs].filter(([digest]) => !digests.includes(digest))),
});

/** What docker's own list in an archive says of an image. */
function dockerEntry({ manifest }: Built, ...names: readonly string[]) {
  const { config, layers } = JSON.parse(Buffer.from(manifest.bytes).toString()) as {
    readonly config: { readonly digest: string };
    readonly layers: readonly { readonly digest: string }[];
  };
  const [Config = "", ...Layers] = [config, ...layers].map(({ digest }) => `blobs/${digest.replace(":", "/")}`);
  return { Config, RepoTags: names.length > 0 ? names : [`${NAME}:1.0.0`], Layers };
}
const dockerList = (entries: readonly object[]) => ["manifest.json", Buffer.from(JSON.stringify(entries))] as const;

interface Asked {
  readonly as?: string;
  readonly elsewhere?: Elsewhere;
  readonly bundles?: string;
  readonly policy?: string;
}

/** As the command does it. */
async function verdictOn(
  text: string,
  { as, elsewhere = nothingElsewhere, bundles, policy }: Asked = {},
): Promise<Verdict> {
  const parsed = parsePolicy(Buffer.from(policy ?? policyText(HOST)), "policy.yml");
  const subject = await openSubject(parseAsked(text, as), elsewhere);
  try {
    const more = bundles === undefined ? [] : [(await readBundleFile(bundles)).source];
    const attestations = combineSources([subject, ...more]);
    const ports = { images: subject, attestations, layers: subject.layers, verifier };
    const { found, reference, origin } = subject;
    const asOf = new Date();
    const ancestry =
      "kind" in found
        ? ancestryOfFinding(reference, found.finding)
        : await walkAncestry(ports, parsed, found, "every", asOf);
    return { ...judge(ancestry, parsed, "kind" in found ? reference : found, asOf), ...(origin && { origin }) };
  } finally {
    await subject.close();
  }
}

/** Every code by which an image isn't trusted. */
const codes = ({ faults, unreachable }: Verdict) => [...faults, ...unreachable].map(({ code }) => code);

/** Another place, which keeps what it was asked for, and has it where the shelf does. */
function otherPlace(held: Shelf): Elsewhere & { readonly asked: string[] } {
  const asked: string[] = [];
  return {
    ...nothingElsewhere,
    asked,
    readManifest: async ({ digest }) => {
      asked.push(digest);
      const bytes = held.blobs.get(digest);
      return bytes && { bytes, contentType: "" };
    },
    readBlob: async (image, digest) => {
      asked.push(image.digest, digest);
      return held.blobs.get(digest);
    },
    layers: {
      unpackLayer: async (_, { digest }, algorithm) => {
        asked.push(digest);
        const content = gunzipSync(held.blobs.get(digest) ?? Buffer.of());
        return { kind: "unpacked", contentDigest: digestOf(content, algorithm), size: content.length };
      },
    },
    listAttestations: async ({ digest }) => {
      asked.push(digest);
      return { candidates: [], omitted: 0, failures: [] };
    },
  };
}

test("trusts an ancestry that lies whole on disk, in every form, without any connection", async () => {
  const files = layoutFiles(stock, whole());
  const docker = new Map([...files, dockerList([dockerEntry(app)])]);
  const forms = [
    `oci:${folder(files)}`,
    `oci-archive:${file(tarOf(files))}`,
    `oci-archive:${file(gzipSync(tarOf(files)))}`,
    `docker-archive:${file(tarOf(docker))}`,
  ];
  for (const form of forms) {
    const verdict = await verdictOn(form);
    assert.deepEqual([verdict.outcome, codes(verdict)], ["trusted", []], form);
    assert.equal(verdict.nodes.length, 3);
    assert.deepEqual(verdict.origin, { place: form, namedBy: "archive" });
    assert.equal(formatReference(verdict.image), `${NAME}:1.0.0@${app.index.digest}`);
  }
});

test("could not look at ancestors that aren't on disk where nothing may be fetched", async () => {
  const gone = [base.index.digest, base.manifest.digest];
  const verdict = await verdictOn(`oci:${folder(layoutFiles(without(stock, ...gone), whole()))}`);
  assert.deepEqual([verdict.outcome, [...new Set(codes(verdict))]], ["undetermined", ["offline"]]);
});

test("R15 an ancestor on disk without a signature is not unattested while its registry wasn't asked", async () => {
  const entries = whole().filter(({ digest }) => digest !== base.referrer);
  const layout = `oci:${folder(layoutFiles(stock, entries))}`;
  const offline = await verdictOn(layout);
  assert.deepEqual([offline.outcome, codes(offline)], ["undetermined", ["offline"]]);
  const asked = await verdictOn(layout, { elsewhere: otherPlace(shelf(HOST)) });
  assert.deepEqual([asked.outcome, codes(asked)], ["untrusted", ["unattested"]]);
});

test("looks up ancestors on disk, then elsewhere, and fetches nothing of the image itself", async () => {
  const gone = [base.index.digest, base.manifest.digest];
  const elsewhere = otherPlace(stock);
  const verdict = await verdictOn(`oci:${folder(layoutFiles(without(stock, ...gone), whole()))}`, { elsewhere });
  assert.deepEqual([verdict.outcome, codes(verdict)], ["trusted", []]);
  assert.ok(elsewhere.asked.includes(base.index.digest) && elsewhere.asked.includes(runtime.manifest.digest));
  const own = [app.index.digest, app.manifest.digest, app.referrer, sha256(app.bundle)];
  assert.deepEqual(
    elsewhere.asked.filter((digest) => own.includes(digest)),
    [],
  );
});

test("a part of the image itself that isn't on disk could not be looked at, though its registry has it", async () => {
  const { config } = JSON.parse(app.manifest.bytes.toString());
  for (const missing of [app.manifest.digest, config.digest]) {
    const elsewhere = otherPlace(stock);
    const verdict = await verdictOn(`oci:${folder(layoutFiles(without(stock, missing), whole()))}`, { elsewhere });
    assert.deepEqual([verdict.outcome, codes(verdict)], ["undetermined", ["offline"]]);
    assert.ok(!elsewhere.asked.includes(missing));
  }
});

/** A base, and an image on it whose copies of its layers were compressed anew; `copy` says what they hold. */
async function recompressed(copy = (content: Uint8Array) => content) {
  const held = shelf(HOST);
  const place = { registry: held, namespace: "good", sigstore, stranger: sigstore };
  const below = await makeImage(place, "base", {});
  const again = below.layers.map(({ blob, diffId }) => ({
    diffId,
    blob: gzipSync(copy(gunzipSync(blob)), { level: 0 }),
  }));
  const child = await makeImage(place, "runtime", { base: { ...below, layers: again } });
  const entries = [
    held.entry(child.index.digest, { [CONTAINERD]: `${HOST}/good/runtime:1.0.0`, [REF]: "1.0.0" }),
    ...[child, below].map(({ referrer }) => held.entry(referrer)),
  ];
  const [copied, original] = [again, below.layers].map((layers) => layers.map(({ blob }) => sha256(blob)));
  return { held, entries, copied: copied ?? [], original: original ?? [] };
}

test("R21 layers on disk that were compressed anew are looked into, in every form", async () => {
  const honest = await recompressed();
  const files = layoutFiles(honest.held, honest.entries);
  const tar = tarOf(files);
  for (const form of [`oci:${folder(files)}`, ...[tar, gzipSync(tar)].map((bytes) => `oci-archive:${file(bytes)}`)]) {
    const verdict = await verdictOn(form);
    assert.deepEqual([verdict.outcome, codes(verdict)], ["trusted", []], form);
    assert.deepEqual([verdict.nodes[0]?.seam, verdict.level], ["proven", 3], form);
  }
  const lying = await recompressed(() => Buffer.from("the attacker's"));
  const verdict = await verdictOn(`oci:${folder(layoutFiles(lying.held, lying.entries))}`);
  assert.deepEqual([verdict.outcome, codes(verdict)], ["untrusted", ["diff-id-mismatch"]]);
});

test("R21 a layer that isn't on disk, or is another there, could not be looked at", async () => {
  const { held, entries, copied, original } = await recompressed();
  const [stored = ""] = copied;
  const own = `oci:${folder(layoutFiles(without(held, ...copied), entries))}`;
  const elsewhere = otherPlace(held);
  for (const offline of [true, false]) {
    const verdict = await verdictOn(own, offline ? {} : { elsewhere });
    assert.deepEqual([verdict.outcome, codes(verdict)], ["undetermined", ["offline"]]);
  }
  const bytes = held.blobs.get(stored) ?? Buffer.of();
  const wrong = [
    Buffer.concat([bytes, Buffer.of(0)]),
    bytes.subarray(1),
    Buffer.alloc(bytes.length),
    gzipSync("the attacker's"),
  ];
  for (const other of wrong) {
    const blobs = new Map([...held.blobs, [stored, other]]);
    const files = layoutFiles({ ...held, blobs }, entries);
    for (const form of [`oci:${folder(files)}`, `oci-archive:${file(gzipSync(tarOf(files)))}`]) {
      const verdict = await verdictOn(form);
      assert.deepEqual([verdict.outcome, codes(verdict)], ["undetermined", ["digest-mismatch"]]);
    }
  }
  // The base's may lie elsewhere, as the base itself.
  const below = `oci:${folder(layoutFiles(without(held, ...original), entries))}`;
  const alone = await verdictOn(below);
  assert.deepEqual([alone.outcome, codes(alone)], ["undetermined", ["offline"]]);
  const asked = await verdictOn(below, { elsewhere });
  assert.deepEqual([asked.outcome, asked.nodes[0]?.seam], ["trusted", "proven"]);
});

test("R23 content that doesn't have its digest was never received", async () => {
  const { config } = JSON.parse(app.manifest.bytes.toString());
  for (const digest of [app.index.digest, app.manifest.digest, config.digest, app.referrer, sha256(app.bundle)]) {
    const files = layoutFiles(stock, whole());
    const path = `blobs/${digest.replace(":", "/")}`;
    const bytes = Buffer.from(files.get(path) ?? []);
    files.set(path, Buffer.concat([bytes.subarray(0, -1), Buffer.from(" "), bytes.subarray(-1)]));
    for (const form of [`oci:${folder(files)}`, `oci-archive:${file(tarOf(files))}`]) {
      const verdict = await verdictOn(`${form}:1.0.0`);
      assert.deepEqual([verdict.outcome, codes(verdict)], ["undetermined", ["digest-mismatch"]], path);
    }
  }
});

test("finds what is signed in a list of referrers under its tag, which alone is in index.json", async () => {
  const entries = whole().filter(({ digest }) => digest !== app.referrer);
  const more = { ...stock, blobs: new Map(stock.blobs) };
  const list = Buffer.from(JSON.stringify({ schemaVersion: 2, manifests: [stock.entry(app.referrer)] }));
  more.blobs.set(sha256(list), list);
  const annotations = { [REF]: app.manifest.digest.replace(":", "-") };
  const fallback = {
    mediaType: "application/vnd.oci.image.index.v1+json",
    digest: sha256(list),
    size: list.length,
    annotations,
  };
  const verdict = await verdictOn(`oci:${folder(layoutFiles(more, [...entries, fallback]))}`);
  assert.deepEqual([verdict.outcome, codes(verdict)], ["trusted", []]);
  const none = await verdictOn(`oci:${folder(layoutFiles(more, entries))}`);
  assert.deepEqual(codes(none), ["unattested"]);
});

test("what refers to the image by its own word is never taken for the image", async () => {
  const named = { [CONTAINERD]: `${NAME}:1.0.0` };
  const entries = [
    ...signed().map((entry) => ({ ...entry, annotations: named })),
    stock.entry(app.index.digest, named),
  ];
  const verdict = await verdictOn(`oci:${folder(layoutFiles(stock, entries))}`);
  assert.equal(verdict.image.digest, app.index.digest);
  assert.equal(verdict.outcome, "trusted");
});

test("R11 takes an unsigned statement on disk for the word of whoever signed the manifest that holds it", async () => {
  const place = { registry: stock, namespace: "hardened", sigstore, stranger: sigstore };
  const bare = await makeImage(place, "base", {}, { attached: false, inIndex: false });
  const statement = Buffer.from(JSON.stringify(bare.statement));
  const holder = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MANIFEST,
      artifactType: IN_TOTO,
      config: { mediaType: EMPTY, digest: stock.putBlob("", Buffer.from("{}")), size: 2 },
      layers: [{ mediaType: IN_TOTO, digest: stock.putBlob("", statement), size: statement.length }],
      subject: { mediaType: MANIFEST, digest: bare.manifest.digest, size: bare.manifest.bytes.length },
    }),
  );
  const held = stock.putManifest("", holder, MANIFEST);
  const claims = githubClaims(runOf("base"));
  const bundle = await sigstore.sign(Buffer.from(JSON.stringify(signStatement(held))), claims);
  const signature = Buffer.from(JSON.stringify(bundle));
  stock.putBlob("", signature);
  const referrer = referrerOf(stock, "", signature, { bytes: holder, digest: held });
  const signer = stock.putManifest("", Buffer.from(JSON.stringify(referrer)), MANIFEST);
  const named = stock.entry(bare.index.digest, { [CONTAINERD]: `${HOST}/hardened/base:1` });
  const signedStatement = [named, stock.entry(held), stock.entry(signer)];
  const elsewhere = otherPlace(stock);
  const verdict = await verdictOn(`oci:${folder(layoutFiles(stock, signedStatement))}`, { elsewhere });
  assert.deepEqual([verdict.outcome, codes(verdict)], ["trusted", []]);
  assert.deepEqual(elsewhere.asked, [], "nothing of what refers to the image is fetched either");
  const unsigned = await verdictOn(`oci:${folder(layoutFiles(stock, signedStatement.slice(0, 2)))}`);
  assert.notEqual(unsigned.outcome, "trusted");
});

test("R15 junk that refers to the image hides nothing that stands beside it", async () => {
  const more = { ...stock, blobs: new Map(stock.blobs) };
  const put = (document: unknown, annotations?: Entry["annotations"]): Entry => {
    const bytes = Buffer.from(typeof document === "string" ? document : JSON.stringify(document));
    more.blobs.set(sha256(bytes), bytes);
    return { mediaType: MANIFEST, digest: sha256(bytes), size: bytes.length, ...(annotations && { annotations }) };
  };
  const type = "application/vnd.dev.sigstore.bundle.v0.3+json";
  const subject = { mediaType: MANIFEST, digest: app.manifest.digest, size: 1 };
  const layer = (text: string) => ({ mediaType: type, digest: put(text).digest, size: text.length });
  const absent = { mediaType: type, digest: sha256(Buffer.from("absent")), size: 6 };
  const junk = [
    put("no manifest at all"),
    put({ subject, layers: [layer("no bundle")], artifactType: type }),
    put({ subject, layers: [absent], artifactType: type }),
    put({ subject, layers: "none" }),
    put({ layers: [layer("x")] }, { kind: "dev.cosignproject.cosign/atts" }),
    put({ layers: [layer("y")] }, { [REF]: `${app.manifest.digest.replace(":", "-")}.att` }),
  ];
  const verdict = await verdictOn(`oci:${folder(layoutFiles(more, [...junk, ...whole()]))}:1.0.0`);
  assert.deepEqual([verdict.outcome, codes(verdict)], ["trusted", []]);
});

test("R4 the name that the asker gives beats the one that the archive gives itself", async () => {
  const path = file(tarOf(layoutFiles(stock, whole())));
  const given = await verdictOn(`oci-archive:${path}`, { as: `${HOST}/other/app:1.0.0` });
  assert.deepEqual([given.outcome, given.origin?.namedBy, given.image.repository], ["trusted", "asker", "other/app"]);
  const foreign = await verdictOn(`oci-archive:${path}`, { as: "ghcr.io/acme/app" });
  assert.deepEqual([foreign.outcome, codes(foreign)], ["untrusted", ["no-builder"]]);
  const claimed = await verdictOn(`oci:${folder(layoutFiles(stock, whole({ [CONTAINERD]: `${HOST}/good/base` })))}`);
  assert.deepEqual([claimed.outcome, claimed.origin?.namedBy], ["untrusted", "archive"]);
});

test("an archive without a name, with two, or with what is no name needs the asker's", async () => {
  const entry = (annotations: Readonly<Record<string, string>>) => stock.entry(app.index.digest, annotations);
  const nameless = [[entry({})], [entry({ [REF]: "1.0.0" })], [entry({ [CONTAINERD]: "No Name" })]];
  const several = [
    [entry({ [CONTAINERD]: `${NAME}:1` }), entry({ [CONTAINERD]: `${HOST}/good/base:1` })],
    [entry({ [CONTAINERD]: `${NAME}:1`, [REF]: `${HOST}/good/base:1` })],
  ];
  for (const entries of [...nameless, ...several]) {
    const layout = `oci:${folder(layoutFiles(stock, [...entries, ...signed()]))}`;
    await assert.rejects(verdictOn(layout), UsageError);
    assert.equal((await verdictOn(layout, { as: NAME })).outcome, "trusted");
  }
  const skopeo = await verdictOn(`oci:${folder(layoutFiles(stock, [entry({ [REF]: `${NAME}:1.0.0` }), ...signed()]))}`);
  assert.deepEqual([skopeo.outcome, skopeo.image.tag], ["trusted", "1.0.0"]);
});

test("names one image of several by tag, by whole name or by digest, and never guesses", async () => {
  const entries = [
    ...whole(),
    stock.entry(base.index.digest, { [CONTAINERD]: `${HOST}/good/base:2.0.0`, [REF]: "2.0.0" }),
  ];
  const path = folder(layoutFiles(stock, entries));
  const digestOf = async (text: string) => (await verdictOn(text)).image.digest;
  assert.equal(await digestOf(`oci:${path}:1.0.0`), app.index.digest);
  assert.equal(await digestOf(`oci:${path}:2.0.0`), base.index.digest);
  assert.equal(await digestOf(`oci:${path}:${HOST}/good/base:2.0.0`), base.index.digest);
  assert.equal(await digestOf(`oci:${path}@${base.index.digest}`), base.index.digest);
  const inner = await verdictOn(`oci:${path}@${runtime.index.digest}`, { as: `${HOST}/good/runtime` });
  assert.deepEqual([inner.outcome, inner.image.digest], ["trusted", runtime.index.digest]);
  for (const text of [`oci:${path}`, `oci:${path}:3.0.0`, `oci:${path}:`, `oci:${path}:${HOST}/good/app:2.0.0`]) {
    await assert.rejects(verdictOn(text), UsageError, text);
    await assert.rejects(verdictOn(text, { as: NAME }), UsageError, text);
  }
});

test("R26 a tag that was asked for is part of the question", async () => {
  const path = folder(layoutFiles(stock, whole()));
  assert.equal((await verdictOn(`oci:${path}:1.0.0`, { as: NAME })).image.tag, "1.0.0");
  assert.equal((await verdictOn(`oci:${path}`, { as: NAME })).image.tag, undefined);
  assert.equal((await verdictOn(`oci:${path}`, { as: `${NAME}:9` })).image.tag, "9");
  assert.equal((await verdictOn(`oci:${path}`)).image.tag, "1.0.0");
});

test("follows links inside the folder, and none that leads out", async () => {
  const outside = file(app.manifest.bytes, "outside");
  for (const [target, expected] of [
    ["../../elsewhere", "trusted"],
    [outside, "undetermined"],
  ] as const) {
    const path = folder(layoutFiles(stock, whole()));
    const blob = join(path, `blobs/${app.manifest.digest.replace(":", "/")}`);
    writeFileSync(join(path, "elsewhere"), app.manifest.bytes);
    unlinkSync(blob);
    symlinkSync(target, blob);
    assert.equal((await verdictOn(`oci:${path}`)).outcome, expected, target);
  }
});

test("R23 a list that can be read in two ways is a fault of the image, and without a name no verdict", async () => {
  const good = layoutFiles(stock, whole());
  const list = Buffer.from(good.get("index.json") ?? []).toString();
  const twice: Readonly<Record<string, readonly [string, string]>> = {
    "duplicate-key": ["index.json", list.replace('{"schema', '{"manifests":[],"schema')],
    "folded-key": ["index.json", list.replace('{"schema', '{"Manifests":[],"schema')],
    "mixed-manifest": ["index.json", list.replace('{"schema', '{"layers":[],"schema')],
    schema: ["oci-layout", '{"imageLayoutVersion":"2.0.0"}'],
    "not-json": ["index.json", `${list}x`],
  };
  for (const [code, [name, text]] of Object.entries(twice)) {
    const path = folder(new Map([...good, [name, Buffer.from(text)]]));
    const verdict = await verdictOn(`oci:${path}`, { as: NAME });
    assert.deepEqual([verdict.outcome, codes(verdict)], ["untrusted", [code]]);
    await assert.rejects(verdictOn(`oci:${path}`), UsageError);
  }
  const archive = Buffer.concat([tarOf(new Map([["index.json", Buffer.from("{}")]])).subarray(0, 1024), tarOf(good)]);
  const verdict = await verdictOn(`oci-archive:${file(archive)}`, { as: NAME });
  assert.deepEqual([verdict.outcome, codes(verdict)], ["untrusted", ["malformed-archive"]]);
});

test("R23 docker's own list in an archive has to be of the same images, under the same names", async () => {
  const entries = [
    ...whole(),
    stock.entry(base.index.digest, { [CONTAINERD]: `${HOST}/good/base:2.0.0`, [REF]: "2.0.0" }),
  ];
  const files = layoutFiles(stock, entries);
  const [own, other] = [dockerEntry(app), dockerEntry(base, `${HOST}/good/base:2.0.0`)];
  const wrong: Readonly<Record<string, readonly (readonly [string, Uint8Array])[]>> = {
    "another image under the name": [dockerList([{ ...other, RepoTags: own.RepoTags }])],
    "another image under the name beside it": [dockerList([own, { ...other, RepoTags: own.RepoTags }])],
    "an image of which index.json knows nothing": [dockerList([own, { ...dockerEntry(runtime), RepoTags: [] }])],
    "another config": [dockerList([{ ...own, Config: other.Config }])],
    "files beside the layout": [dockerList([{ ...own, Layers: own.Layers.map((_, i) => `${i}/layer.tar`) }])],
    "fewer layers": [dockerList([{ ...own, Layers: own.Layers.slice(1) }])],
    "no name at all for a name": [dockerList([{ ...own, RepoTags: ["No Name"] }])],
    "the list that was before": [["repositories", Buffer.from(`{"${NAME}":{"1.0.0":"${"0".repeat(64)}"}}`)]],
    "two readings": [
      ["manifest.json", Buffer.from(JSON.stringify([own]).replace('{"Config"', '{"config":"x","Config"'))],
    ],
  };
  for (const form of ["docker-archive", "oci-archive"]) {
    const judged = (more: readonly (readonly [string, Uint8Array])[]) =>
      verdictOn(`${form}:${file(tarOf(new Map([...files, ...more])))}:1.0.0`, { as: NAME });
    for (const good of [[own], [own, other], [{ ...own, RepoTags: null }], []])
      assert.equal((await judged([dockerList(good)])).outcome, "trusted");
    for (const [what, more] of Object.entries(wrong)) {
      const verdict = await judged(more);
      assert.equal(verdict.outcome, "untrusted", what);
      assert.match(codes(verdict).join(), /^(malformed-archive|folded-key)$/, what);
    }
  }
});

test("R23 what index.json says of a manifest is one more voice that has to agree", async () => {
  const entries = whole().map((entry) =>
    entry.digest === app.index.digest ? { ...entry, mediaType: MANIFEST } : entry,
  );
  const verdict = await verdictOn(`oci:${folder(layoutFiles(stock, entries))}`);
  assert.deepEqual([verdict.outcome, codes(verdict)], ["untrusted", ["media-type-mismatch"]]);
});

test("what docker saved before it knew manifests can't be bound to a signature, and says what to do", async () => {
  const list = [{ Config: "c.json", RepoTags: [`${NAME}:1.0.0`], Layers: ["l/layer.tar"] }];
  const old = new Map([
    ["c.json", Buffer.from("{}")],
    ["manifest.json", Buffer.from(JSON.stringify(list))],
  ]);
  const text = `docker-archive:${file(tarOf(old))}`;
  const verdict = await verdictOn(text);
  assert.deepEqual(
    [verdict.outcome, codes(verdict), verdict.image.digest],
    ["untrusted", ["no-manifest-digest"], undefined],
  );
  assert.match(verdict.faults[0]?.mend ?? "", /Docker 25|oci-archive/);
  const named = await verdictOn(text, { as: `${HOST}/good/app:2` });
  assert.deepEqual([named.origin?.namedBy, named.image.tag], ["asker", "2"]);
  await assert.rejects(verdictOn(text.replace("docker-archive", "oci-archive")), UsageError);
  for (const bad of ["{}", '[{"Config":1}]', '[{"Config":"c","config":"d","Layers":[]}]']) {
    const broken = `docker-archive:${file(tarOf(new Map([["manifest.json", Buffer.from(bad)]])))}`;
    assert.deepEqual((await verdictOn(broken, { as: NAME })).outcome, "untrusted", bad);
  }
});

test("takes bundles from a file, of which a broken line hides no other", async () => {
  const layout = `oci:${folder(layoutFiles(stock, whole().slice(0, 1)))}`;
  const lines = [app, runtime, base].map(({ bundle }) => bundle.toString());
  const good = file(Buffer.from(`${lines.join("\n")}\n`), "good.jsonl");
  const trusted = await verdictOn(layout, { bundles: good });
  assert.deepEqual([trusted.outcome, codes(trusted)], ["trusted", []]);
  const broken = file(Buffer.from(["", "{", ...lines, '{"mediaType":"x"}', "\u0000"].join("\r\n")), "broken.jsonl");
  assert.equal((await verdictOn(layout, { bundles: broken })).outcome, "trusted");
  assert.deepEqual(
    (await readBundleFile(broken)).faults.map((fault) => /line (\d+)/.exec(fault)?.[1]),
    ["2", "6"],
  );
  const missing = file(Buffer.from(lines.slice(1).join("\n")), "missing.jsonl");
  assert.deepEqual(codes(await verdictOn(layout, { bundles: missing })), ["unattested"]);
  assert.deepEqual(codes(await verdictOn(layout)), ["unattested"]);
});

test("R13 a bundle in a file that is about another image counts for that one alone", async () => {
  const layout = `oci:${folder(layoutFiles(stock, whole().slice(0, 1)))}`;
  const { source } = await readBundleFile(file(runtime.bundle, "one.jsonl"));
  const list = async ({ digest }: { digest: string }) =>
    (await source.listAttestations({ registry: HOST, repository: "good/app", digest } as PinnedImage)).candidates
      .length;
  assert.deepEqual([await list(runtime.manifest), await list(app.manifest)], [1, 0]);
  assert.deepEqual(codes(await verdictOn(layout, { bundles: file(runtime.bundle, "one.jsonl") })), ["unattested"]);
});

test("a file of bundles that holds none, or can't be read, is the asker's to mend", async () => {
  mkdirSync(join(directory, "folder"), { recursive: true });
  const empty = file(Buffer.from("\n\n"), "empty.jsonl");
  const wrong = file(Buffer.from("{}\n[]\n"), "wrong.jsonl");
  for (const path of [empty, wrong, join(directory, "absent"), join(directory, "folder")]) {
    await assert.rejects(readBundleFile(path), { code: "unreadable" });
  }
  const pretty = file(Buffer.from(JSON.stringify(JSON.parse(app.bundle.toString()), null, 2)), "pretty.json");
  assert.deepEqual((await readBundleFile(pretty)).faults, []);
});

test("nothing is asked of anybody with --offline, and that is no answer", async () => {
  const image = { registry: HOST, repository: "a", digest: app.index.digest } as PinnedImage;
  const isOffline = (error: unknown) => error instanceof CouldNotLook && error.code === "offline";
  await assert.rejects(nothingElsewhere.resolve(image), isOffline);
  await assert.rejects(nothingElsewhere.readManifest(image), isOffline);
  await assert.rejects(nothingElsewhere.readBlob(image, image.digest, 1), isOffline);
  await assert.rejects(nothingElsewhere.listAttestations(image), isOffline);
  await assert.rejects(nothingElsewhere.defaultBranches.readDefaultBranch({} as never), isOffline);
  const verdict = await verdictOn(`${NAME}:1.0.0`);
  assert.deepEqual([verdict.outcome, codes(verdict)], ["undetermined", ["offline"]]);
});
