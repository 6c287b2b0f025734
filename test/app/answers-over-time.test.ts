import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { TAG_MS } from "../../src/answer/tag-sightings.ts";
import { temporaryFiles } from "../verify/temporary-files.ts";
import { type OciRegistry, startOciRegistry } from "../world/oci-registry.ts";
import { answerAt, answered, ask, ended, inquire, OURS, publishedPolicy, told } from "./asked-answers.ts";
import { completed, eventually } from "./eventually.ts";
import { type Scene, startScene, policyText as tenantPolicy } from "./scene.ts";

const MANIFEST = "application/vnd.oci.image.manifest.v1+json";
/** A tag is looked at again that much before it has to be: too short for anything to stay in memory for its usual time, in milliseconds. */
const BEFORE_MS = 5000;

const write = temporaryFiles();
const namespace = `acme-${randomBytes(4).toString("hex")}`;
const clockFile = write("clock", "0");
const historySchema = z.object({ verdicts: z.array(z.looseObject({ digest: z.string(), outcome: z.string() })) });

let scene: Scene;
let registry: OciRegistry;

before(async () => {
  registry = await startOciRegistry();
  scene = await startScene({
    registry: registry.host,
    namespace,
    env: {
      POLICY_FILE: write("published.yml", publishedPolicy({ registry: registry.host, namespace }, [OURS])),
      POLL_SECONDS: "1",
      RECONCILE_SECONDS: "1",
      NODE_OPTIONS: `--import ${fileURLToPath(new URL("movable-clock.ts", import.meta.url))}`,
      CLOCK_FILE: clockFile,
    },
  });
});
after(async () => {
  await scene?.close();
  await registry?.close();
});

/** Sets the server's clock. It has to be running already, and waits for nothing. */
async function setClock(time: number): Promise<void> {
  const aheadMs = time - Date.now();
  writeFileSync(clockFile, String(aheadMs));
  process.kill(scene.server.pid, "SIGUSR2");
  await eventually("another time", () => scene.server.output().includes(`clock: ahead by ${aheadMs} ms`));
}

/** Pushes a tag of a repository that had `before` of them, and waits for its check run. */
async function release(name: string, tag: string, before: number): Promise<void> {
  await scene.github.tag(`acme/${name}`, tag);
  const checks = await completed(scene, `acme/${name}`, before + 1);
  assert.equal(checks.at(-1)?.conclusion, "success", checks.at(-1)?.output.summary ?? "");
}

/** What is shown of an image, by each face that says a verdict of its tag. */
const FACES = (reference: string) => [`/v1/images/${reference}`, `/images/${reference}`, `/images/${reference}.svg`];

/** Asks each face as somebody who has what is `known` by its ETag already. */
async function faces(reference: string, known: readonly string[] = []) {
  return Promise.all(
    FACES(reference).map(async (path, i) => {
      const etag = known[i];
      const response = await ask(
        scene,
        path,
        etag === undefined || etag === "" ? {} : { headers: { "if-none-match": etag } },
      );
      const { status, headers } = response;
      return {
        status,
        etag: headers.get("etag") ?? "",
        cacheControl: headers.get("cache-control") ?? "",
        saysTrusted: /"verdict":\s*"trusted"|<h1>Trusted<|✔ trusted/.test(await response.text()),
      };
    }),
  );
}

/** Verdicts of the past on a name, the newest first. */
async function past(reference: string): Promise<readonly (readonly [digest: string, outcome: string])[]> {
  const response = await ask(scene, `/v1/history?image=${encodeURIComponent(reference)}`);
  return historySchema.parse(await response.json()).verdicts.map(({ digest, outcome }) => [digest, outcome]);
}

/** Puts an image under a tag that nobody signed. @returns its digest. */
function pushByHand(name: string, tag: string): string {
  const path = `${namespace}/${name}`;
  const config = Buffer.from(
    JSON.stringify({ architecture: "amd64", os: "linux", rootfs: { type: "layers", diff_ids: [] } }),
  );
  const digest = registry.putBlob(path, config);
  const described = { mediaType: "application/vnd.oci.image.config.v1+json", digest, size: config.length };
  const manifest = { schemaVersion: 2, mediaType: MANIFEST, config: described, layers: [] };
  return registry.putManifest(path, Buffer.from(JSON.stringify(manifest)), MANIFEST, tag);
}

test("R26 a tag that moves to another build is answered by its new image, and the former one keeps its answer", async () => {
  const dockerfile = (version: number) => `FROM scratch\nCOPY Dockerfile /\n# ${version}\n`;
  const policy = tenantPolicy(scene, "moves", { build: ['image-tags: ["{tag}", latest]'] });
  await scene.repository("moves", { Dockerfile: dockerfile(1) }, policy);
  await release("moves", "v1.0.0", 0);
  const latest = `${scene.image("moves")}:latest`;
  const first = await answered(scene, latest);
  // Whatever is judged meanwhile could be on the page.
  await answered(scene, `${scene.image("moves")}:v1.0.0`);
  assert.equal(first.verdict, "trusted", JSON.stringify(first.faults));
  const before = await faces(latest);
  assert.deepEqual(
    before.map(({ status, saysTrusted }) => ({ status, saysTrusted })),
    Array(3).fill({ status: 200, saysTrusted: true }),
  );
  const etags = before.map(({ etag }) => etag);
  assert.deepEqual(
    (await faces(latest, etags)).map(({ status }) => status),
    [304, 304, 304],
  );

  await scene.github.commit("acme/moves", { Dockerfile: dockerfile(2) });
  await release("moves", "v2.0.0", 1);
  const second = await answered(scene, latest, {
    until: ({ state, digest }) => state === "judged" && digest !== first.digest,
  });
  assert.equal(second.verdict, "trusted", JSON.stringify(second.faults));
  assert.equal(second.digest, registry.readTag(`${namespace}/moves`, "latest"));
  // The badge of one trusted image is that of another.
  assert.deepEqual(
    (await faces(latest, etags)).map(({ status }) => status),
    [200, 200, 304],
  );
  const former = await answerAt(scene, `${scene.image("moves")}:v1.0.0`);
  assert.deepEqual([former?.verdict, former?.digest], ["trusted", first.digest]);
  const by = await answerAt(scene, `${latest}@${first.digest}`);
  assert.deepEqual([by?.verdict, by?.digest], ["trusted", first.digest]);
  assert.deepEqual(await past(latest), [
    [second.digest, "trusted"],
    [first.digest, "trusted"],
  ]);
});

test("R3 a repository that turns private takes its image out of every answer, until it is public again and by what is judged meanwhile", async () => {
  const base = `${scene.image("moves")}:v1.0.0`;
  await scene.repository("turns", { Dockerfile: `FROM ${base}\nCOPY Dockerfile /\n` });
  await release("turns", "v1.0.0", 0);
  const reference = `${scene.image("turns")}:v1.0.0`;
  const answer = await answered(scene, reference);
  assert.equal(answer.verdict, "trusted", JSON.stringify(answer.faults));
  const digest = answer.digest ?? "";
  const descendants = `/v1/verdicts/${(await answerAt(scene, base))?.digest}/descendants`;
  const build = new URL(scene.github.checkRuns("acme/turns").at(-1)?.detailsUrl ?? "").pathname;
  const places = (image: string, named: string) => [
    ...FACES(image),
    `/v1/history?image=${encodeURIComponent(image)}`,
    ...["", "/vsa", "/evidence", "/ancestry", "/descendants"].map((part) => `/v1/verdicts/${named}${part}`),
  ];
  const hidden = places(reference, digest);
  const lists = ["/v1/images?q=turns", "/v1/images?source=acme/turns", "/images?q=turns", descendants];
  const listing = async () =>
    Promise.all(lists.map(async (path) => (await (await ask(scene, path)).text()).includes(`${namespace}/turns:`)));
  // Everything is in memory here, and at whoever asked.
  const known = await Promise.all(hidden.map(async (path) => (await ask(scene, path)).headers.get("etag") ?? ""));
  assert.ok(!known.includes(""), `${known}`);
  assert.deepEqual(await listing(), [true, true, true, true]);
  assert.equal((await ask(scene, build)).status, 200);
  scene.github.collaborate("acme/turns", "grace", "read");
  const [grace, heidi] = [scene.github.personToken("grace"), scene.github.personToken("heidi")];

  scene.github.change("acme/turns", { private: true });
  // Pages of builds aren't kept: what they say, the server knows.
  const isHeard = async () => (await ask(scene, build)).status === 404;
  await eventually("the server to hear of it", isHeard);
  const missing = places(`${scene.image("nothing")}:v1.0.0`, `sha256:${"0".repeat(64)}`);
  for (const [i, path] of hidden.entries())
    for (const token of [undefined, heidi]) {
      const as = { token, headers: { "if-none-match": known[i] ?? "" } };
      assert.deepEqual(
        await told(await ask(scene, path, as)),
        await told(await ask(scene, missing[i] ?? "", as)),
        path,
      );
    }
  assert.deepEqual(await listing(), [false, false, false, false]);
  assert.equal((await ask(scene, `${build}/vsa.jsonl`)).status, 404);
  assert.equal((await answerAt(scene, reference, grace))?.verdict, "trusted");

  scene.github.change("acme/turns", { private: false });
  await eventually("the server to hear of it", async () => !(await isHeard()));
  const again = await answered(scene, reference);
  assert.deepEqual([again.verdict, again.digest], ["trusted", digest]);
  assert.deepEqual(await listing(), [true, true, true, true]);

  // Of this one no event tells.
  scene.github.interfere({ how: "drop", event: "repository" });
  scene.github.change("acme/turns", { private: true });
  await eventually("the server to hear of it", isHeard);
  assert.equal(await ended(scene, await inquire(scene, reference)), "nothing");
  scene.github.change("acme/turns", { private: false });
  await eventually("the server to hear of it", async () => !(await isHeard()));
  // What was judged while it was private is its readers', until it is judged anew.
  assert.equal(await answerAt(scene, reference), undefined);
  assert.equal(await ended(scene, await inquire(scene, reference)), "answered");
  assert.equal((await answerAt(scene, reference))?.verdict, "trusted");
  assert.deepEqual(scene.github.violations, []);
});

test("R26 a tag that somebody moved by hand is nowhere shown trusted once it has to be looked at again, not from any cache either", async () => {
  const latest = `${scene.image("moves")}:latest`;
  const good = await answered(scene, latest);
  assert.equal(good.verdict, "trusted");
  const digest = pushByHand("moves", "latest");
  const due = Date.parse(good.resolvedAt ?? "") + TAG_MS;
  await setClock(due - BEFORE_MS);
  const kept = await faces(latest);
  // Nobody may keep it any longer than it may be told here.
  for (const { saysTrusted, cacheControl } of kept)
    if (saysTrusted)
      assert.ok(Number(/^public, max-age=(\d+),/.exec(cacheControl)?.[1]) * 1000 <= BEFORE_MS, cacheControl);

  await setClock(due);
  // On a machine so slow that it was due by then, nobody was told so.
  const etags = kept.map(({ etag, saysTrusted }) => (saysTrusted ? etag : ""));
  assert.deepEqual(
    (await faces(latest, etags)).map(({ status, saysTrusted }) => ({ status, saysTrusted })),
    Array(3).fill({ status: 200, saysTrusted: false }),
  );
  // That somebody asked is enough for it to be judged.
  const answer = await answered(scene, latest);
  assert.deepEqual(
    [answer.verdict, answer.digest, answer.faults.map(({ code }) => code)],
    ["untrusted", digest, ["unattested"]],
  );
  assert.deepEqual(
    (await faces(latest, etags)).map(({ status, saysTrusted }) => ({ status, saysTrusted })),
    Array(3).fill({ status: 200, saysTrusted: false }),
  );
  const former = await answerAt(scene, `${latest}@${good.digest}`);
  assert.deepEqual([former?.verdict, former?.digest], ["trusted", good.digest]);
  assert.deepEqual((await past(latest)).slice(0, 2), [
    [digest, "untrusted"],
    [good.digest, "trusted"],
  ]);
});
