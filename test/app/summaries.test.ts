import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { z } from "zod";
import { parseStatement } from "../../src/attestation/statement.ts";
import { parseVsa } from "../../src/attestation/vsa.ts";
import { parseReference } from "../../src/image/reference.ts";
import { createRegistryClient } from "../../src/registry/client.ts";
import { trustedBuilds } from "../verify/command.ts";
import { temporaryFiles } from "../verify/temporary-files.ts";
import { eventually } from "./eventually.ts";
import { policyText, type Scene, startScene } from "./scene.ts";

const write = temporaryFiles();
const SOURCES = { Dockerfile: "FROM scratch\nCOPY Dockerfile /\n" };
const keysSchema = z.object({
  keys: z.array(z.object({ pem: z.string(), fingerprint: z.string(), verifier: z.string() })),
});

let scene: Scene;
/** Where the authority is, is known only once the scene stands. */
const more = () => ({ TSA_URL: `${scene.sigstore.url}/api/v1/timestamp` });
before(async () => {
  scene = await startScene({ env: { VSA_ATTACH: "on", POLL_SECONDS: "1", LOG_LEVEL: "info" } });
  await scene.restart(more());
});
after(() => scene?.close());

async function keys() {
  const response = await fetch(`${scene.server.url}/.well-known/trusted-builds/keys.json`);
  return keysSchema.parse(await response.json()).keys;
}

/** The summaries that a build's page has: the bundles as texts, and what they say. */
async function summariesAt(page: string) {
  const response = await fetch(`${page}/vsa.jsonl`);
  const lines = response.status === 200 ? (await response.text()).trimEnd().split("\n") : [];
  return lines.map((text) => {
    const { dsseEnvelope, verificationMaterial } = JSON.parse(text);
    const said = parseVsa(parseStatement(Buffer.from(dsseEnvelope.payload, "base64")));
    return { text, said, isStamped: verificationMaterial.timestampVerificationData !== undefined };
  });
}

/** The one summary of a build, once it has its timestamp. */
function stampedAt(page: string) {
  return eventually("a summary with a timestamp", async () => {
    const list = await summariesAt(page);
    return list.length === 1 && list[0]?.isStamped === true && list;
  });
}

/** What hangs on an image's platform manifest. */
async function attachedTo(name: string): Promise<readonly string[]> {
  const client = createRegistryClient({ allowHosts: [scene.registry] });
  try {
    const resolved = await client.resolve(parseReference(`${scene.image(name)}:v1.0.0`));
    assert.ok(resolved);
    const index = await client.readManifest(resolved.pinned);
    const [first] = JSON.parse(Buffer.from(index?.bytes ?? []).toString()).manifests;
    const { candidates } = await client.listAttestations({ ...resolved.pinned, digest: first.digest });
    const read = await Promise.all(candidates.map((each) => each.read()));
    return read.flat().flatMap((each) => (each.kind === "bundle" ? [JSON.stringify(each.json)] : []));
  } finally {
    await client.close();
  }
}

/** The manifest that is there under a digest. */
async function manifestOf(name: string, digest: string) {
  const client = createRegistryClient({ allowHosts: [scene.registry] });
  try {
    const reference = parseReference(`${scene.image(name)}@${digest}`);
    return await client.resolve(reference);
  } finally {
    await client.close();
  }
}

test("R28, R33 a trusted build's verdict is signed, timestamped, served, attached, and taken by another's policy", async () => {
  await scene.repository("app", SOURCES);
  await scene.github.tag("acme/app", "v1.0.0");
  const checkRun = await scene.checkRun("app");
  assert.equal(checkRun.conclusion, "success", checkRun.output.summary ?? "");
  const page = checkRun.detailsUrl ?? "";
  assert.ok(checkRun.output.summary?.includes(`${page}/vsa.jsonl`));
  assert.ok((await (await fetch(page)).text()).includes("/vsa.jsonl"));

  const [{ said, isStamped, text } = assert.fail()] = await stampedAt(page);
  const [key = assert.fail()] = await keys();
  assert.ok(isStamped);
  assert.match(said.verifier.id, new RegExp(`^${key.verifier}/repositories/\\d+$`));
  assert.deepEqual([said.verificationResult, said.dependencyLevels], ["PASSED", {}]);
  assert.match(said.policy.uri, /^git\+http.*acme\/app@[0-9a-f]{40}#/);
  const attached = await eventually("the summary at its image", async () => {
    const list = await attachedTo("app");
    return list.includes(text) && list;
  });
  const told = /attached to <code>([^<]+)<\/code> as <code>(sha256:[0-9a-f]{64})<\/code>/;
  const [, place, manifest] = await eventually(
    "the page that says so",
    async () => told.exec(await (await fetch(page)).text()) ?? undefined,
  );
  assert.match(place ?? "", new RegExp(`^${scene.image("app")}:v1.0.0@sha256:`));
  assert.ok(await manifestOf("app", manifest ?? ""));
  // Another round finds nothing to do.
  await scene.restart(more());
  assert.deepEqual((await attachedTo("app")).length, attached.length);
  assert.deepEqual((await keys())[0]?.fingerprint, key.fingerprint, "the key is kept");

  const accepting = (id: string) =>
    write(
      "policy.yml",
      `version: 1\ntrust:\n  verifiers: [{ id: "${id}", key: { pem: ${JSON.stringify(key.pem)} }, policy: "sha256:${said.policy.digest.sha256}", max-age: 1d, minimum: SLSA_BUILD_LEVEL_1 }]\n`,
    );
  const root = write("root.json", JSON.stringify(scene.sigstore.trustedRoot));
  const judge = async (id: string) => {
    const args = [
      "--policy",
      accepting(id),
      "--trusted-root",
      root,
      "--output",
      "json",
      `${scene.image("app")}:v1.0.0`,
    ];
    const { exit, stdout } = await trustedBuilds(["verify", ...args]);
    return [exit, JSON.parse(stdout).nodes[0].finding.kind];
  };
  assert.deepEqual(await judge(said.verifier.id), [0, "summarised"]);
  // The operator's own name, or another tenant's, isn't this tenant's.
  assert.deepEqual(await judge(key.verifier), [1, "refused"]);
  assert.deepEqual(await judge(`${said.verifier.id}0`), [1, "refused"]);
});

test("R28 a build that is judged anew hangs a new summary on its image, and takes the old one away", async () => {
  const given = await scene.checkRun("app");
  const placeOf = async (page: string | null) => {
    const text = await (await fetch(page ?? "")).text();
    return /attached to <code>[^<]+<\/code> as <code>(sha256:[0-9a-f]{64})<\/code>/.exec(text)?.[1];
  };
  const old = await placeOf(given.detailsUrl);
  assert.ok(old);
  await scene.github.rerequest(given.id);
  const anew = await scene.checkRun("app", ({ id, status }) => id !== given.id && status === "completed");
  assert.equal(anew.conclusion, "success", anew.output.summary ?? "");
  const place = await eventually("the new summary at its image", async () => {
    const seen = await placeOf(anew.detailsUrl);
    return seen !== old && seen;
  });
  await eventually("the old one's end", async () => (await manifestOf("app", old)) === undefined);
  assert.ok(await manifestOf("app", place));
});

test("R28 an untrusted build's verdict is FAILED, served and not attached", async () => {
  const workflow = "trusted-builds/trusted-builds/.github/workflows/build.yml@refs/tags/v9*";
  await scene.repository("bad", SOURCES, policyText(scene, "bad", { workflow }));
  await scene.github.tag("acme/bad", "v1.0.0");
  const checkRun = await scene.checkRun("bad");
  assert.equal(checkRun.conclusion, "failure", checkRun.output.summary ?? "");
  const [{ said, text } = assert.fail()] = await stampedAt(checkRun.detailsUrl ?? "");
  assert.deepEqual([said.verificationResult, said.verifiedLevels], ["FAILED", ["FAILED"]]);
  assert.ok(!(await attachedTo("bad")).includes(text));
});

test("R33 the key is the server's alone on the disk, and in no log", () => {
  const { mode } = statSync(join(scene.env.DATA_DIR ?? "", "vsa-signing-key.pem"));
  assert.equal(mode & 0o777, 0o600);
  assert.ok(!scene.server.output().includes("PRIVATE KEY"));
});
