import assert from "node:assert/strict";
import { createPublicKey, randomBytes, verify } from "node:crypto";
import { after, before, test } from "node:test";
import { z } from "zod";
import { parseStatement } from "../../src/attestation/statement.ts";
import { parseVsa } from "../../src/attestation/vsa.ts";
import { digestOf } from "../../src/image/digest.ts";
import { BUILDER } from "../faults/ancestry.ts";
import type { Document } from "../faults/document.ts";
import { trustedBuilds } from "../verify/command.ts";
import { temporaryFiles } from "../verify/temporary-files.ts";
import { type OciRegistry, startOciRegistry } from "../world/oci-registry.ts";
import {
  answerAt,
  answered,
  ask,
  ended,
  inquire,
  OURS,
  publishedPolicy,
  stranger,
  THEIRS,
  told,
} from "./asked-answers.ts";
import { eventually, PUBLIC_PAUSE_MS } from "./eventually.ts";
import { CALLER, type Scene, startScene, policyText as tenantPolicy } from "./scene.ts";

const write = temporaryFiles();
const namespace = `acme-${randomBytes(4).toString("hex")}`;
const SOURCES = { Dockerfile: "FROM scratch\nCOPY Dockerfile /\n" };

const keysSchema = z.object({ keys: z.array(z.object({ pem: z.string(), verifier: z.string() })) });

let scene: Scene;
let registry: OciRegistry;
let policyFile: string;

before(async () => {
  registry = await startOciRegistry();
  policyFile = write("published.yml", publishedPolicy({ registry: registry.host, namespace }, [OURS, THEIRS]));
  scene = await startScene({
    registry: registry.host,
    namespace,
    env: { POLICY_FILE: policyFile, POLL_SECONDS: "1", LOG_LEVEL: "info" },
  });
});
after(async () => {
  await scene?.close();
  await registry?.close();
});

/** Pushes a tag, and waits for its check run. @returns the image under the tag. */
async function release(name: string, tag = "v1.0.0"): Promise<string> {
  await scene.github.tag(`acme/${name}`, tag);
  await scene.checkRun(name);
  return `${scene.image(name)}:${tag}`;
}

test("a tag push makes an answer for everyone: API, page, badge, a summary by the server's key, and evidence that holds without it", async () => {
  const commit = await scene.repository("app", SOURCES);
  const reference = await release("app");
  const answer = await answered(scene, reference);
  assert.equal(answer.verdict, "trusted", JSON.stringify(answer.faults));
  assert.deepEqual([answer.source?.repository, answer.source?.commit], [`${scene.github.url}/acme/app`, commit]);
  const published = await fetch(answer.policy?.url ?? "");
  assert.equal(digestOf(new Uint8Array(await published.arrayBuffer())), answer.policy?.digest);

  const page = await (await fetch(answer.links.page)).text();
  for (const shown of ["Trusted", commit, answer.digest ?? "", "COPY Dockerfile /"])
    assert.ok(page.includes(shown), shown);
  const badge = await fetch(answer.links.badge);
  assert.match(badge.headers.get("content-type") ?? "", /^image\/svg\+xml/);
  assert.match(await badge.text(), /trusted/);

  const { keys } = keysSchema.parse(await (await ask(scene, "/.well-known/trusted-builds/keys.json")).json());
  const lines = (await (await fetch(answer.links.vsa ?? "")).text()).trimEnd().split("\n");
  assert.equal(lines.length, 1);
  const { payload, payloadType, signatures } = JSON.parse(lines[0] ?? "").dsseEnvelope;
  const bytes = Buffer.from(payload, "base64");
  const signed = Buffer.concat([Buffer.from(`DSSEv1 ${payloadType.length} ${payloadType} ${bytes.length} `), bytes]);
  assert.ok(verify("sha256", signed, createPublicKey(keys[0]?.pem ?? ""), Buffer.from(signatures[0].sig, "base64")));
  const { verifier, verificationResult, policy } = parseVsa(parseStatement(bytes));
  assert.deepEqual([verifier.id, verificationResult], [`${keys[0]?.verifier}/published`, "PASSED"]);
  assert.deepEqual([policy.uri, `sha256:${policy.digest.sha256}`], [answer.policy?.url, answer.policy?.digest]);

  const evidence = write(
    "app.evidence",
    new Uint8Array(await (await fetch(answer.links.evidence ?? "")).arrayBuffer()),
  );
  const root = write("root.json", JSON.stringify(scene.sigstore.trustedRoot));
  const ours = write("ours.yml", publishedPolicy(scene, [OURS], scene.github.url));
  const args = ["--evidence", evidence, "--policy", ours, "--trusted-root", root, "--output", "json"];
  const { exit, stdout, stderr } = await trustedBuilds(["verify", ...args]);
  assert.equal(exit, 0, `${stderr}\n${stdout}`);
  assert.ok(stdout.includes(answer.result ?? "no result"));
  assert.deepEqual(scene.github.violations, []);
});

test("R3 a private repository's image is as good as not there, byte for byte, but for who can read the repository", async () => {
  await scene.github.repository("acme/secret", {
    private: true,
    files: {
      // Layers of its own: on those of an image that is known it would be one that rests on it without saying so.
      Dockerfile: `${SOURCES.Dockerfile}# of nobody else\n`,
      ".github/trusted-builds.yml": tenantPolicy(scene, "secret"),
      ".github/workflows/trusted-builds.yml": CALLER,
    },
  });
  scene.github.collaborate("acme/secret", "grace", "read");
  const [grace, heidi] = [scene.github.personToken("grace"), scene.github.personToken("heidi")];
  const reference = await release("secret");
  const answer = await answered(scene, reference, { token: grace });
  assert.equal(answer.verdict, "trusted", JSON.stringify(answer.faults));
  const paths = (image: string, digest: string) => [
    `/v1/images/${image}`,
    `/images/${image}`,
    `/images/${image}.svg`,
    ...["", "/vsa", "/evidence", "/ancestry", "/descendants"].map((part) => `/v1/verdicts/${digest}${part}`),
  ];
  const missing = paths(`${scene.image("nothing")}:v1.0.0`, `sha256:${"0".repeat(64)}`);
  const hidden = paths(reference, answer.digest ?? "");
  for (const [place, path] of hidden.entries()) {
    for (const token of [undefined, heidi, "ghp_nobodys"]) {
      const as = token === undefined ? {} : { token };
      const [one, other] = [
        await told(await ask(scene, path, as)),
        await told(await ask(scene, missing[place] ?? "", as)),
      ];
      assert.deepEqual(one, other, path);
    }
  }
  const found = await (await ask(scene, "/v1/images?q=secret")).text();
  assert.ok(!found.includes("secret:"), found);
  scene.github.collaborate("acme/secret", "grace", "none");
  assert.deepEqual(scene.github.violations, []);
});

test("an image that nobody asked about yet is judged when somebody does", async () => {
  await scene.github.repository("acme/base", { id: 4301 });
  const built = await stranger(scene, registry, "base");
  const reference = `${built.repository}:1.0.0`;
  assert.equal((await ask(scene, `/v1/images/${reference}`)).status, 404);
  const end = await ended(scene, await inquire(scene, reference));
  assert.equal(end, "answered");
  const answer = await answered(scene, reference);
  assert.deepEqual([answer.verdict, answer.digest], ["trusted", built.index.digest]);
});

test("an image that isn't there ends as nothing", async () => {
  const end = await ended(scene, await inquire(scene, `${scene.image("nowhere")}:1`));
  assert.equal(end, "nothing");
});

test("an unattested grandparent makes an image untrusted, and the way there is told", async () => {
  for (const [name, id] of [
    ["runtime", 4302],
    ["app-of-strangers", 4303],
  ] as const)
    await scene.github.repository(`acme/${name}`, { id });
  // Another one than the base that is signed, by its content.
  const config = (document: Document) => ({ ...document, author: "nobody" });
  const base = await stranger(scene, registry, "base", {}, { config, attached: false, inIndex: false });
  const runtime = await stranger(scene, registry, "runtime", { base });
  const app = await stranger(scene, registry, "app", { runtime, base });
  const reference = `${app.repository}@${app.index.digest}`;
  await inquire(scene, reference);
  const answer = await answered(scene, reference);
  assert.equal(answer.verdict, "untrusted");
  const fault = answer.faults.find(({ code }) => code === "unattested");
  assert.deepEqual(
    fault?.path.map(({ reference: each }) => each.split("/").at(-1)?.split(/[:@]/)[0]),
    ["app", "runtime", "base"],
  );
  const page = await (await fetch(answer.links.page)).text();
  assert.match(page, /<title>[^<]*Untrusted/i);
});

test("R2 another published policy: nothing stands until it is judged anew, and then by the other", async () => {
  const reference = `${scene.image("app")}:v1.0.0`;
  const before = await answered(scene, reference);
  await scene.restart({ POLICY_FILE: write("published.yml", publishedPolicy(scene, [`${BUILDER}@refs/tags/v9*`])) });
  const first = await answerAt(scene, reference);
  assert.ok(first);
  assert.notEqual(first.verdict, "trusted");
  const now = await answered(scene, reference);
  assert.equal(now.verdict, "untrusted");
  assert.notEqual(now.policy?.digest, before.policy?.digest);
  await scene.restart();
  assert.equal((await answered(scene, reference)).verdict, "trusted");
});

test("R15 while a registry fails nothing becomes trusted, and what was known stands only as long as its tag was looked at lately", async (t) => {
  const reference = `${scene.image("app")}:v1.0.0`;
  const { digest } = await answered(scene, reference);
  registry.fail(/./, { status: 503 });
  t.after(() => registry.heal());
  await inquire(scene, reference);
  // What is known of this digest under its tag stays known for as long as the tag was looked at lately; never longer.
  const stands = await answerAt(scene, reference);
  assert.ok(stands?.state === "pending" || stands?.digest === digest);
  const unseen = `${scene.image("app")}:v9`;
  const place = await inquire(scene, unseen);
  await eventually(
    "a try that fails",
    async () => {
      const { waiting } = z.object({ waiting: z.unknown() }).parse(await (await fetch(place)).json());
      return waiting !== null;
    },
    () => scene.server.output(),
    PUBLIC_PAUSE_MS,
  );
  const answer = await answerAt(scene, unseen);
  assert.ok(answer === undefined || answer.verdict === "undetermined");
});

test("R3 a repository that turns private is hidden as soon as GitHub tells, long before anybody looks for what no event told", async () => {
  const reference = `${scene.image("app")}:v1.0.0`;
  registry.heal();
  await answered(scene, reference);
  scene.github.change("acme/app", { private: true });
  await eventually(
    "the answer to go",
    async () => (await answerAt(scene, reference)) === undefined,
    () => scene.server.output(),
    PUBLIC_PAUSE_MS,
  );
  assert.deepEqual(scene.github.violations, []);
});
