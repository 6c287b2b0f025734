import assert from "node:assert/strict";
import { createPublicKey, randomBytes, verify } from "node:crypto";
import { after, before, test } from "node:test";
import { z } from "zod";
import { parseStatement } from "../../src/attestation/statement.ts";
import { parseVsa } from "../../src/attestation/vsa.ts";
import { digestOf } from "../../src/image/digest.ts";
import { BUILDER, type Built, makeImage, type Name, type Spoil } from "../faults/ancestry.ts";
import type { Document } from "../faults/document.ts";
import { trustedBuilds } from "../verify/command.ts";
import { temporaryFiles } from "../verify/temporary-files.ts";
import { type OciRegistry, startOciRegistry } from "../world/oci-registry.ts";
import { GITHUB_ISSUER } from "../world/sigstore.ts";
import { eventually, PUBLIC_PAUSE_MS } from "./eventually.ts";
import { CALLER, type Scene, startScene, policyText as tenantPolicy } from "./scene.ts";

const write = temporaryFiles();
const namespace = `acme-${randomBytes(4).toString("hex")}`;
const SOURCES = { Dockerfile: "FROM scratch\nCOPY Dockerfile /\n" };
const OURS = "trusted-builds/trusted-builds/.github/workflows/build.yml@refs/tags/v*";

/** What the API says of an image, as far as these tests ask. */
const answerSchema = z.looseObject({
  state: z.enum(["judged", "pending"]),
  verdict: z.enum(["trusted", "untrusted", "undetermined"]),
  reason: z.string().nullable(),
  digest: z.string().nullable(),
  policy: z.looseObject({ digest: z.string(), url: z.string() }).nullable(),
  result: z.string().nullable(),
  source: z.looseObject({ repository: z.string(), commit: z.string().nullable() }).nullable(),
  faults: z.array(z.looseObject({ code: z.string(), path: z.array(z.looseObject({ reference: z.string() })) })),
  former: z.looseObject({ outcome: z.string() }).nullable(),
  links: z.looseObject({
    page: z.string(),
    badge: z.string(),
    vsa: z.string().nullable(),
    evidence: z.string().nullable(),
  }),
});
const keysSchema = z.object({ keys: z.array(z.object({ pem: z.string(), verifier: z.string() })) });
type Answer = z.output<typeof answerSchema>;

let scene: Scene;
let registry: OciRegistry;
let policyFile: string;

/** What the operator publishes. @param builders - Workflows whose word counts. @param server - Named where whoever reads it is of another one. */
const policyText = (builders: readonly string[], server = "") => `version: 1
trust:
  builders:
${builders
  .map(
    (workflow) => `    - images: ["${registry.host}/${namespace}/{repo}"]
      github: { repository: "acme/{repo}", owner-id: 77, workflow: "${workflow}",${server && ` server: "${server}",`} issuer: ${GITHUB_ISSUER} }
      level: 3
      builds: true
`,
  )
  .join("")}`;

before(async () => {
  registry = await startOciRegistry();
  policyFile = write("published.yml", policyText([OURS, `${BUILDER}@refs/tags/v*`]));
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

/** Below the server, with a reader's token where one is given. */
function ask(path: string, { token, method = "GET" }: { token?: string; method?: string } = {}): Promise<Response> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return fetch(`${scene.server.url}${path}`, { method, headers });
}

async function answerAt(reference: string, token?: string): Promise<Answer | undefined> {
  const response = await ask(`/v1/images/${reference}`, token === undefined ? {} : { token });
  return response.status === 200 ? answerSchema.parse(await response.json()) : undefined;
}

/** Once an image is judged, or stands as asked. */
function answered(
  reference: string,
  token?: string,
  until = (answer: Answer) => answer.state === "judged",
): Promise<Answer> {
  let seen: Answer | undefined;
  return eventually(
    `an answer about ${reference}`,
    async () => {
      seen = await answerAt(reference, token);
      return seen !== undefined && until(seen) && seen;
    },
    () => `${JSON.stringify(seen, null, 1)}\n${scene.server.output()}\n${scene.github.violations.join("\n")}`,
    PUBLIC_PAUSE_MS,
  );
}

/** What became of an inquiry. */
function ended(place: string): Promise<string> {
  return eventually(
    "the end of an inquiry",
    async () => {
      const { state } = z.object({ state: z.string() }).parse(await (await fetch(place)).json());
      return state !== "open" && state;
    },
    () => scene.server.output(),
    PUBLIC_PAUSE_MS,
  );
}

/** Pushes a tag, and waits for its check run. @returns the image under the tag. */
async function release(name: string, tag = "v1.0.0"): Promise<string> {
  await scene.github.tag(`acme/${name}`, tag);
  await scene.checkRun(name);
  return `${scene.image(name)}:${tag}`;
}

/** An image that somebody else built, signed for whoever accepts that somebody. */
function stranger(name: Name, parents: Partial<Record<Name, Built>> = {}, spoil: Spoil = {}): Promise<Built> {
  const ofThisServer = (statement: Document): Document =>
    JSON.parse(JSON.stringify(statement).replaceAll("https://github.com/acme/", `${scene.github.url}/acme/`));
  const { sigstore } = scene;
  return makeImage({ registry, namespace, sigstore, stranger: sigstore }, name, parents, {
    provenance: ofThisServer,
    ...spoil,
  });
}

/** What a reader of a response can tell apart: without what differs in any two of them. */
async function told(response: Response): Promise<readonly unknown[]> {
  const headers = [...response.headers].filter(([name]) => !/^(?:date|x-request-id|ratelimit)$/.test(name)).sort();
  return [response.status, headers, await response.text()];
}

test("a tag push makes an answer for everyone: API, page, badge, a summary by the server's key, and evidence that holds without it", async () => {
  const commit = await scene.repository("app", SOURCES);
  const reference = await release("app");
  const answer = await answered(reference);
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

  const { keys } = keysSchema.parse(await (await ask("/.well-known/trusted-builds/keys.json")).json());
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
  const ours = write("ours.yml", policyText([OURS], scene.github.url));
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
  const answer = await answered(reference, grace);
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
      const [one, other] = [await told(await ask(path, as)), await told(await ask(missing[place] ?? "", as))];
      assert.deepEqual(one, other, path);
    }
  }
  const found = await (await ask("/v1/images?q=secret")).text();
  assert.ok(!found.includes("secret:"), found);
  scene.github.collaborate("acme/secret", "grace", "none");
  assert.deepEqual(scene.github.violations, []);
});

test("an image that nobody asked about yet is judged when somebody does", async () => {
  await scene.github.repository("acme/base", { id: 4301 });
  const built = await stranger("base");
  const reference = `${built.repository}:1.0.0`;
  assert.equal((await ask(`/v1/images/${reference}`)).status, 404);
  const asked = await ask(`/v1/images/${reference}/verify`, { method: "POST" });
  assert.equal(asked.status, 202);
  const place = asked.headers.get("location") ?? "";
  const end = await ended(place);
  assert.equal(end, "answered");
  const answer = await answered(reference);
  assert.deepEqual([answer.verdict, answer.digest], ["trusted", built.index.digest]);
});

test("an image that isn't there ends as nothing", async () => {
  const place = (await ask(`/v1/images/${scene.image("nowhere")}:1/verify`, { method: "POST" })).headers.get(
    "location",
  );
  const end = await ended(place ?? "");
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
  const base = await stranger("base", {}, { config, attached: false, inIndex: false });
  const runtime = await stranger("runtime", { base });
  const app = await stranger("app", { runtime, base });
  const reference = `${app.repository}@${app.index.digest}`;
  await ask(`/v1/images/${reference}/verify`, { method: "POST" });
  const answer = await answered(reference);
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
  const before = await answered(reference);
  await scene.restart({ POLICY_FILE: write("published.yml", policyText([`${BUILDER}@refs/tags/v9*`])) });
  const first = await answerAt(reference);
  assert.ok(first);
  assert.notEqual(first.verdict, "trusted");
  const now = await answered(reference);
  assert.equal(now.verdict, "untrusted");
  assert.notEqual(now.policy?.digest, before.policy?.digest);
  await scene.restart();
  assert.equal((await answered(reference)).verdict, "trusted");
});

test("R15 while a registry fails nothing becomes trusted, and what was known stands only as long as its tag was looked at lately", async (t) => {
  const reference = `${scene.image("app")}:v1.0.0`;
  const { digest } = await answered(reference);
  registry.fail(/./, { status: 503 });
  t.after(() => registry.heal());
  const asked = await ask(`/v1/images/${reference}/verify`, { method: "POST" });
  assert.equal(asked.status, 202);
  // What is known of this digest under its tag stays known for as long as the tag was looked at lately; never longer.
  const stands = await answerAt(reference);
  assert.ok(stands?.state === "pending" || stands?.digest === digest);
  const unseen = `${scene.image("app")}:v9`;
  const place = (await ask(`/v1/images/${unseen}/verify`, { method: "POST" })).headers.get("location") ?? "";
  await eventually(
    "a try that fails",
    async () => {
      const { waiting } = z.object({ waiting: z.unknown() }).parse(await (await fetch(place)).json());
      return waiting !== null;
    },
    () => scene.server.output(),
    PUBLIC_PAUSE_MS,
  );
  const answer = await answerAt(unseen);
  assert.ok(answer === undefined || answer.verdict === "undetermined");
});
