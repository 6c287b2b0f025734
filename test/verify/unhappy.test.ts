import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, test } from "node:test";
import type { SerializedBundle } from "@sigstore/bundle";
import type { Digest } from "../../src/image/digest.ts";
import { type Chain, type ChainOptions, publish, type Step } from "../world/chain.ts";
import { type Sigstore, startSigstore } from "../world/sigstore.ts";
import { type Toolchain, toolchain } from "../world/toolchain.ts";
import { told } from "./command.ts";
import { once, type PolicyOptions, scene } from "./scene.ts";

const stage = await scene();
const stranger = await startSigstore({ serverUrl: stage.git.url });
after(() => stranger.close());

type Spoil = Partial<Omit<Step, "name">>;

/** A chain in which base is the app's grandparent and nothing else. */
async function line(world: Toolchain, spoil: NonNullable<ChainOptions["spoil"]> = {}): Promise<Chain> {
  const namespace = `acme-${randomBytes(4).toString("hex")}`;
  const Dockerfile = `FROM ${world.registry}/${namespace}/runtime:1.0.0\nCOPY app.sh /app\n`;
  return stage.chain(world, { namespace, spoil: { ...spoil, app: { files: { Dockerfile }, ...spoil.app } } });
}
const good = once((world) => line(world));

async function judge(world: Toolchain, { app, namespace }: Chain, options?: PolicyOptions) {
  return stage.verify(app.image, stage.policy(world, namespace, options));
}

/** The image's name with a digest. */
function at({ image }: { readonly image: string }, digest: Digest): string {
  return `${image.replace(/:[^:/]*$/, "")}@${digest}`;
}

test("distrusts an image whose grandparent has no attestation, and names it with the path from the image", async (t) => {
  const world = await toolchain(t);
  if (!world) return;
  const made = await line(world, { base: { attach: { platformProvenance: false, indexStatement: false } } });
  const { exit, verdict } = await judge(world, made);
  assert.equal(exit, 1);
  assert.deepEqual(told(verdict), ["unattested: app → base runtime → base base"]);
  const [fault] = verdict.faults;
  const named = verdict.nodes.find(({ id }) => id === fault?.node);
  assert.equal(named?.reference, `${made.base.image}@${made.base.platforms[0]?.manifest}`);
  assert.ok(fault?.mend.includes(`${made.base.image}@${made.base.index}`), "says which digest a root would name");
});

test("trusts the same chain with the grandparent's attestation", async (t) => {
  const made = await good(t);
  if (!made) return;
  const { exit, verdict } = await judge(made.world, made);
  assert.deepEqual([exit, verdict.verdict, verdict.nodes.length], [0, "trusted", 3]);
});

test("R27 ends the walk at a root that policy names, until it expires", async (t) => {
  const world = await toolchain(t);
  if (!world) return;
  const made = await line(world, { base: { attach: { platformProvenance: false, indexStatement: false } } });
  const root = (expires: string) => ({
    trust: [`roots: [{ image: "${at(made.base, made.base.index)}", reason: "looked at it", expires: ${expires} }]`],
  });
  const healed = await judge(world, made, root("2099-12-31"));
  assert.deepEqual([healed.exit, told(healed.verdict)], [0, []]);
  assert.deepEqual(
    healed.verdict.nodes.map(({ finding }) => finding.kind),
    ["attested", "attested", "root"],
  );
  const expired = await judge(world, made, root("2020-01-01"));
  assert.deepEqual([expired.exit, told(expired.verdict)], [1, ["root-expired: app → base runtime → base base"]]);
});

/** One thing wrong with an image on a good base, and the code that tells it. */
const spoilt: readonly { readonly name: string; readonly code: string | undefined; readonly step: () => Spoil }[] = [
  { name: "nothing wrong", code: undefined, step: () => ({}) },
  {
    name: "R4 another workflow of the repository",
    code: "workflow",
    step: () => ({ run: { workflow: ".github/workflows/other.yml" } }),
  },
  {
    name: "R4 the right workflow file of another repository",
    code: "source-repository",
    step: () => ({ run: { repository: "mallory/image" } }),
  },
  {
    name: "R7 the right workflow at a branch",
    code: "workflow",
    step: () => ({ run: { ref: "refs/heads/main" } }),
  },
  {
    name: "R8 an owner with the right name and another id",
    code: "owner-id",
    step: () => ({ run: { ownerId: 78 } }),
  },
  {
    name: "R6 a run that a pull request of a stranger triggered",
    code: "event",
    step: () => ({ run: { event: "pull_request_target" } }),
  },
  { name: "R6 a runner of somebody's own", code: "runner", step: () => ({ run: { runner: "self-hosted" } }) },
  { name: "another Sigstore", code: "certificate", step: () => ({ sigstore: stranger }) },
  {
    name: "R13 a signature on another image",
    code: "subject-mismatch",
    step: () => ({
      attach: { indexStatement: false },
      statement: rewritten((text, subject) => text.replaceAll(subject.slice(7), "a".repeat(64))),
    }),
  },
  {
    name: "a payload that was changed after it was signed",
    code: "log-entry",
    step: () => ({
      sigstore: tampering((bundle) => {
        if (bundle.dsseEnvelope === undefined) throw new Error("no envelope");
        const text = Buffer.from(bundle.dsseEnvelope.payload, "base64").toString();
        const payload = Buffer.from(text.replace('"subject"', ' "subject"')).toString("base64");
        return { ...bundle, dsseEnvelope: { ...bundle.dsseEnvelope, payload } } as SerializedBundle;
      }),
    }),
  },
  {
    name: "a bundle without its log entry",
    code: "log-entry",
    step: () => ({
      sign: { tsa: true },
      sigstore: tampering((bundle) => ({
        ...bundle,
        verificationMaterial: { ...bundle.verificationMaterial, tlogEntries: [] },
      })),
    }),
  },
  {
    name: "R10 provenance of another commit than the signer's",
    code: "source-mismatch",
    step: () => ({
      statement: rewritten((text) =>
        text
          .replaceAll(/(image-[0-9]+\.git#)[0-9a-f]{40}/g, `$1${"c".repeat(40)}`)
          .replaceAll(/("sha1":")[0-9a-f]{40}/g, `$1${"c".repeat(40)}`),
      ),
    }),
  },
  {
    name: "R16 provenance whose list and steps name two digests for one reference",
    code: "dependencies-disagree",
    step: () => ({
      statement: rewritten((text) =>
        text.replace(/("uri":"pkg:docker[^}]*"sha256":")[0-9a-f]{64}/, `$1${"d".repeat(64)}`),
      ),
    }),
  },
];

const base = once(async (world) => {
  const namespace = `acme-${randomBytes(4).toString("hex")}`;
  const where = { toolchain: world, sigstore: stage.sigstore, git: stage.git, namespace };
  const files = { Dockerfile: "FROM scratch\nCOPY file /file\n", file: "base\n" };
  return { where, policy: stage.policy(world, namespace), image: await publish(where, { name: "base", files }) };
});

spoilt.forEach(({ name, code, step }, i) => {
  test(`${name} makes an image ${code === undefined ? "trusted" : `untrusted (${code})`}`, async (t) => {
    const on = await base(t);
    if (!on) return;
    // A repository of its own: BuildKit gives equal images the same digest, and what is attached to it would add up.
    const files = { Dockerfile: `FROM ${on.image.image}\nCOPY file /image\n`, file: "image\n" };
    const { image } = await publish(on.where, { name: `image-${i}`, files, ...step() });
    const { exit, verdict } = await stage.verify(image, on.policy);
    assert.deepEqual([exit, told(verdict)[0]], code === undefined ? [0, undefined] : [1, `${code}: image-${i}`]);
    assert.equal(verdict.faults.length, code === undefined ? 0 : code === "dependencies-disagree" ? 2 : 1);
  });
});

test("R21 looks into the layers of an image that BuildKit compressed anew, its base's among them", async (t) => {
  const on = await base(t);
  if (!on) return;
  const files = { Dockerfile: `FROM ${on.image.image}\nCOPY file /image\n`, file: "image\n" };
  const args = ["--output", "type=image,compression=zstd,force-compression=true,oci-mediatypes=true"];
  const { image, platforms } = await publish(on.where, { name: "recompressed", files, build: { args } });
  const layersOf = async ({ manifest }: { readonly manifest: Digest }, name: string) => {
    const url = `http://${on.where.toolchain.registry}/v2/${on.where.namespace}/${name}/manifests/${manifest}`;
    const answer = await fetch(url, { headers: { accept: "application/vnd.oci.image.manifest.v1+json" } });
    return ((await answer.json()) as { readonly layers: readonly { readonly digest: string }[] }).layers;
  };
  const [own, below] = await Promise.all([
    layersOf(platforms[0]!, "recompressed"),
    layersOf(on.image.platforms[0]!, "base"),
  ]);
  assert.notEqual(own[0]?.digest, below[0]?.digest);
  const { exit, verdict } = await stage.verify(image, on.policy);
  assert.deepEqual([exit, verdict.nodes[0]?.seam, verdict.nodes[0]?.warnings], [0, "proven", []]);
});

test("R21 distrusts provenance that names another base than the one whose layers are there", async (t) => {
  const on = await base(t);
  if (!on) return;
  // The other base is accepted as well, so that nothing but the layers is wrong.
  const other = { Dockerfile: "FROM scratch\nCOPY file /file\n", file: "other\n" };
  const swapped = await publish(on.where, { name: "base", version: "2.0.0", files: other });
  const files = { Dockerfile: `FROM ${on.image.image}\nCOPY file /image\n`, file: "image\n" };
  const statement = rewritten((text) => text.replaceAll(on.image.index.slice(7), swapped.index.slice(7)));
  const { image } = await publish(on.where, {
    name: "on-swapped-base",
    files,
    statement,
    attach: { indexStatement: false },
  });
  const { exit, verdict } = await stage.verify(image, on.policy);
  assert.deepEqual([exit, told(verdict)], [1, ["layers-mismatch: on-swapped-base"]]);
  const parents = verdict.nodes.slice(1).map(({ index, finding }) => [index, finding.kind]);
  assert.deepEqual(parents, [[swapped.index, "attested"]]);
});

test("R15 distrusts an image whose base is gone from a registry that can be read", async (t) => {
  const world = await toolchain(t);
  if (!world) return;
  const made = await line(world);
  const gone = await fetch(`http://${world.registry}/v2/${made.namespace}/base/manifests/${made.base.index}`, {
    method: "DELETE",
  });
  assert.equal(gone.status, 202);
  const { exit, verdict } = await judge(world, made);
  assert.deepEqual([exit, told(verdict)], [1, ["manifest-not-found: app → base runtime → base base"]]);
});

test("R27 distrusts what policy revokes: a digest, a commit, a signer, each with the reason that policy gives", async (t) => {
  const made = await good(t);
  if (!made) return;
  const { world, base, runtime, namespace } = made;
  const reason = "reason: the builder's key was stolen";
  const signer = `${stage.git.url}/${namespace}/base/.github/workflows/release.yml@refs/tags/**`;
  const revoked: readonly [string, string][] = [
    [`{ digest: "${base.index}", ${reason} }`, "revoked: app → base runtime → base base"],
    [`{ commit: "${runtime.source.commit}", ${reason} }`, "revoked: app → base runtime"],
    [`{ identity: "${signer}", ${reason} }`, "revoked: app → base runtime → base base"],
  ];
  for (const [entry, fault] of revoked) {
    const { exit, verdict } = await judge(world, made, { trust: [`revoked: [${entry}]`] });
    assert.deepEqual([exit, told(verdict)], [1, [fault]]);
    assert.match(verdict.faults[0]?.reason ?? "", /the builder's key was stolen/);
  }
  const window = `{ identity: "${signer}", from: 2020-01-01, until: 2020-12-31, ${reason} }`;
  assert.equal((await judge(world, made, { trust: [`revoked: [${window}]`] })).exit, 0);
});

test("R4 distrusts a good chain under a policy for another namespace, and under the default one", async (t) => {
  const made = await good(t);
  if (!made) return;
  const { world, app } = made;
  const other = await stage.verify(app.image, stage.policy(world, "somebody-else"));
  assert.deepEqual([other.exit, told(other.verdict)], [1, ["no-builder: app"]]);
});

test("trusts a chain whose bundles stand in Rekor v1 and in Rekor v2 with a timestamp", async (t) => {
  const world = await toolchain(t);
  if (!world) return;
  const made = await line(world, {
    base: { sign: { rekor: 2 } },
    runtime: { sign: { rekor: 1 } },
    app: { sign: { rekor: 1, tsa: true } },
  });
  const { exit, verdict } = await judge(world, made);
  assert.deepEqual([exit, told(verdict)], [0, []]);
});

test("R11 adopts provenance inside a signed index from a signer that builds, and from no other", async (t) => {
  const world = await toolchain(t);
  if (!world) return;
  const step = { attach: { platformProvenance: false, indexStatement: true } };
  const made = await line(world, { base: step, runtime: step, app: step });
  const builds = await judge(world, made, { builds: true });
  assert.deepEqual([builds.exit, told(builds.verdict)], [0, []]);
  const vouches = await judge(world, made, { builds: false });
  assert.deepEqual([vouches.exit, told(vouches.verdict)], [1, ["containment: app"]]);
});

test("R11 doesn't adopt provenance of another run from inside a signed index", async (t) => {
  const world = await toolchain(t);
  if (!world) return;
  const made = await line(world, {
    runtime: {
      attach: { platformProvenance: false, indexStatement: true },
      build: { builderId: `${stage.git.url}/acme/elsewhere/actions/runs/1/attempts/1` },
    },
  });
  const { exit, verdict } = await judge(world, made);
  assert.deepEqual([exit, told(verdict)], [1, ["containment: app → base runtime"]]);
});

/** Changes the platform's provenance before it is signed, and leaves the index's statement alone. */
function rewritten(change: (text: string, subject: Digest) => string): NonNullable<Step["statement"]> {
  return (payload, kind, subject) => {
    if (kind !== "platform-provenance") return payload;
    const before = Buffer.from(payload).toString();
    const text = change(before, subject);
    if (text === before) throw new Error("nothing was changed");
    return Buffer.from(text);
  };
}

/** A Sigstore whose bundles are changed after they were made. */
function tampering(change: (bundle: SerializedBundle) => SerializedBundle): Sigstore {
  return { ...stage.sigstore, sign: async (...args) => change(await stage.sigstore.sign(...args)) };
}
