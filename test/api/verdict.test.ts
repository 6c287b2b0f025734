import assert from "node:assert/strict";
import { test } from "node:test";
import { ancestrySchema } from "../../src/api/ancestry-form.ts";
import { problemSchema } from "../../src/api/problem.ts";
import { wholeSchema } from "../../src/api/verdict.ts";
import { batchSchema } from "../../src/api/verdict-batch.ts";
import { trusted, untrusted } from "../report/answered.ts";
import { digest } from "../report/verdicts.ts";
import { answerOn, headOf, NOW } from "./answers.ts";
import { assertProblem, serveApi } from "./scene.ts";

const { ask, world } = await serveApi();
const ONE = digest("one name");
const TAGGED = digest("one name, with and without a tag");
const TWO = digest("two names");
const HIDDEN = digest("hidden");
const LAPSED = digest("lapsed");
world.answers.push(
  answerOn({ image: `ghcr.io/acme/bad:1@${ONE}`, verdict: untrusted }),
  answerOn({ image: `ghcr.io/acme/app@${TAGGED}`, verdict: trusted }),
  answerOn({ image: `ghcr.io/acme/app:1@${TAGGED}`, verdict: untrusted }),
  answerOn({ image: `ghcr.io/acme/app@${TWO}`, verdict: trusted }),
  answerOn({ image: `ghcr.io/rival/app@${TWO}`, verdict: untrusted }),
  answerOn({ image: `ghcr.io/acme/lapsed:1@${LAPSED}`, verdict: trusted, validUntil: NOW }),
  answerOn({ image: `ghcr.io/acme/hidden:1@${HIDDEN}`, audience: { kind: "readers", repositoryIds: ["7"] } }),
);
world.readers.set("reader", ["7"]);

test("a digest that was judged under one name has the verdict, whole", async () => {
  const whole = (await ask(`/v1/verdicts/${ONE}`)).as(wholeSchema);
  assert.equal(whole.verdict, "untrusted");
  assert.equal(whole.document?.verdict, "untrusted");
  assert.equal(whole.document?.image.digest, ONE);
});

test("R26 asked for by digest alone, the verdict on the digest alone is told where the name is one", async () => {
  assert.equal((await ask(`/v1/verdicts/${TAGGED}`)).as(wholeSchema).verdict, "trusted");
  const tagged = await ask(`/v1/verdicts/${TAGGED}?image=ghcr.io/acme/app:1`);
  assert.equal(tagged.as(wholeSchema).verdict, "untrusted");
});

test("R1 of a digest under two names no verdict is chosen, and both are named", async () => {
  const answered = await ask(`/v1/verdicts/${TWO}`);
  assertProblem(answered, 300, "several-names");
  const { choices = [] } = answered.as(problemSchema);
  assert.deepEqual(
    choices.map(({ reference }) => reference),
    [`ghcr.io/acme/app@${TWO}`, `ghcr.io/rival/app@${TWO}`],
  );
  for (const { url } of choices) assert.equal((await ask(url.slice("https://builds.example".length))).status, 200);
});

test("?image= of another digest, or of no name, is refused", async () => {
  assertProblem(await ask(`/v1/verdicts/${ONE}?image=ghcr.io/acme/bad@${TWO}`), 400, "malformed-request");
  assertProblem(await ask(`/v1/verdicts/${ONE}?image=UPPER/CASE/../x`), 400, "malformed-reference");
  assertProblem(await ask(`/v1/verdicts/sha256:abc`), 400, "malformed-digest");
  assertProblem(await ask(`/v1/verdicts/${ONE}?image=ghcr.io/acme/absent`), 404, "nothing");
});

test("R14 a verdict that has lapsed has no document any more, and no summary", async () => {
  const whole = (await ask(`/v1/verdicts/${LAPSED}`)).as(wholeSchema);
  assert.equal(whole.verdict, "undetermined");
  assert.equal(whole.document, null);
  const [answer] = world.answers.filter(({ image }) => image.digest === LAPSED);
  world.summaries.set(answer?.id ?? "", [
    { signature: "MEUC", image: "ghcr.io/acme/lapsed", platform: "linux/amd64", result: "PASSED", bundle: "{}" },
  ]);
  assertProblem(await ask(`/v1/verdicts/${LAPSED}/vsa`), 404, "not-summarised");
});

test("what is hidden is nothing at every address below a digest", async () => {
  const missing = digest("nowhere");
  for (const below of ["", "/vsa", "/evidence", "/ancestry"]) {
    const hidden = await ask(`/v1/verdicts/${HIDDEN}${below}`);
    assertProblem(hidden, 404, "nothing");
    assert.equal(hidden.text, (await ask(`/v1/verdicts/${missing}${below}`)).text);
    const named = `?image=ghcr.io/acme/hidden:1`;
    assert.equal((await ask(`/v1/verdicts/${HIDDEN}${below}${named}`)).text, hidden.text);
  }
  const headers = { authorization: "Bearer reader" };
  assert.equal((await ask(`/v1/verdicts/${HIDDEN}`, { headers })).status, 200);
  assert.equal((await ask(`/v1/verdicts/${HIDDEN}/ancestry`, { headers })).status, 200);
});

test("signed summaries are told as they were signed; one platform's alone is one bundle", async () => {
  const bundles = ['{"bundle":"amd64"}', '{"bundle":"arm64"}'];
  world.summaries.set(world.answers[0]?.id ?? "", [
    {
      signature: "MEUC",
      image: "ghcr.io/acme/bad",
      platform: "linux/amd64",
      result: "FAILED",
      bundle: bundles[0] ?? "",
    },
    {
      signature: "MEUD",
      image: "ghcr.io/acme/bad",
      platform: "linux/arm64",
      result: "PASSED",
      bundle: bundles[1] ?? "",
    },
  ]);
  const all = await ask(`/v1/verdicts/${ONE}/vsa`);
  assert.equal(all.headers["content-type"], "application/jsonl");
  assert.equal(all.text, `${bundles.join("\n")}\n`);
  const one = await ask(`/v1/verdicts/${ONE}/vsa?platform=linux/arm64`);
  assert.equal(one.headers["content-type"], "application/vnd.dev.sigstore.bundle.v0.3+json");
  assert.equal(one.text, `${bundles[1]}\n`);
  assertProblem(await ask(`/v1/verdicts/${ONE}/vsa?platform=linux/s390x`), 404, "not-summarised");
  assertProblem(await ask(`/v1/verdicts/${TAGGED}/vsa`), 404, "not-summarised");
});

test("the ancestry is a graph, with the way to each fault marked", async () => {
  const { nodes, edges, faults, image } = (await ask(`/v1/verdicts/${ONE}/ancestry`)).as(ancestrySchema);
  assert.equal(image.verdict, "untrusted");
  assert.equal(nodes.length, 3);
  const [app, runtime, base] = nodes;
  assert.deepEqual(
    edges.map(({ from, to, role }) => [from, to, role]),
    [
      [app?.id, runtime?.id, "base"],
      [runtime?.id, base?.id, "base"],
    ],
  );
  assert.ok([...edges, ...nodes].every(({ isOnFaultPath }) => isOnFaultPath));
  assert.equal(faults[0]?.code, "unattested");
});

test("a hundred digests are told at once; what is hidden looks like what nobody asked about", async () => {
  const missing = digest("nowhere");
  const asked = { digests: [ONE, TWO, HIDDEN, missing, LAPSED] };
  const answered = await ask("/v1/verdicts", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(asked),
  });
  const { verdicts } = answered.as(batchSchema);
  assert.deepEqual(
    verdicts.map(({ digest: of, answers }) => [of, answers.map(({ verdict }) => verdict)]),
    [
      [ONE, ["untrusted"]],
      [TWO, ["trusted", "untrusted"]],
      [HIDDEN, []],
      [missing, []],
      [LAPSED, ["undetermined"]],
    ],
  );
  assert.equal(answered.headers["cache-control"], "no-store");
});

test("a batch that can't be read is refused", async () => {
  const post = (body: string, type = "application/json") =>
    ask("/v1/verdicts", { method: "POST", headers: { "content-type": type }, body });
  const many = Array.from({ length: 101 }, (_, i) => digest(String(i)));
  assertProblem(await post(JSON.stringify({ digests: many })), 400, "malformed-request");
  assertProblem(await post('{"digests":["sha256:abc"]}'), 400, "malformed-request");
  assertProblem(await post(`{"digests":["${ONE}"],"digests":["${TWO}"]}`), 400, "malformed-request");
  assertProblem(await post("{}"), 400, "malformed-request");
  assertProblem(await post("{"), 400, "malformed-request");
  assertProblem(await post(`{"digests":["${ONE}"]}`, "text/plain"), 415, "unsupported-media-type");
  assertProblem(await post(JSON.stringify({ digests: ["x".repeat(40_000)] })), 413, "body-too-large");
});

test("each digest of a batch counts as one request", async () => {
  const left = ({ headers }: Awaited<ReturnType<typeof ask>>) => Number(/r=(\d+)/.exec(String(headers.ratelimit))?.[1]);
  const asked = {
    method: "POST",
    headers: { "content-type": "application/json", "x-client": "192.0.2.77" },
    body: JSON.stringify({ digests: Array.from({ length: 50 }, (_, i) => digest(String(i))) }),
  };
  assert.equal(left(await ask("/v1/verdicts", asked)), 550);
  assert.equal(left(await ask("/v1/verdicts", asked)), 500);
});

test("what is told of another digest than the one that was asked for is never told", async () => {
  const { lookUp } = world;
  const { byReference } = lookUp;
  const [other] = world.answers;
  assert.ok(other);
  Object.assign(lookUp, { byReference: async () => ({ kind: "answer", head: headOf(other) }) });
  const answered = await ask(`/v1/verdicts/${TWO}?image=ghcr.io/acme/bad`);
  Object.assign(lookUp, { byReference });
  assertProblem(answered, 500, "internal");
});

test("few files of evidence are made at once; what is hidden is hidden meanwhile", { timeout: 60_000 }, async (t) => {
  const { readAnswerEvidence } = world.reader;
  let release = () => {};
  const held = new Promise<undefined>((resolve) => {
    release = () => resolve(undefined);
  });
  t.after(release);
  let begun = () => {};
  const allBegun = new Promise<void>((resolve) => {
    let left = 4;
    begun = () => void (--left === 0 && resolve());
  });
  world.reader.readAnswerEvidence = () => {
    begun();
    return held;
  };
  const asked = Array.from({ length: 4 }, () => ask(`/v1/verdicts/${ONE}/evidence`));
  await allBegun;
  assertProblem(await ask(`/v1/verdicts/${ONE}/evidence`), 429, "too-many-requests");
  assertProblem(await ask(`/v1/verdicts/${HIDDEN}/evidence`), 404, "nothing");
  release();
  for (const answered of await Promise.all(asked)) assertProblem(answered, 404, "no-evidence");
  world.reader.readAnswerEvidence = readAnswerEvidence;
  assertProblem(await ask(`/v1/verdicts/${ONE}/evidence`), 404, "no-evidence");
});
