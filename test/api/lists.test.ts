import assert from "node:assert/strict";
import { test } from "node:test";
import { historySchema } from "../../src/api/history.ts";
import { listSchema } from "../../src/api/list-form.ts";
import { trusted, untrusted } from "../report/answered.ts";
import { digest } from "../report/verdicts.ts";
import { answerOn, NOW } from "./answers.ts";
import { assertProblem, serveApi } from "./scene.ts";

const { ask, world, forget } = await serveApi();
world.answers.push(
  answerOn({ image: "ghcr.io/acme/app:1", verdict: trusted }),
  answerOn({ image: "ghcr.io/acme/other:1", verdict: untrusted }),
  answerOn({ image: "ghcr.io/acme/lapsed:1", verdict: trusted, validUntil: NOW }),
  answerOn({ image: "ghcr.io/acme/hidden:1", audience: { kind: "readers", repositoryIds: ["7"] } }),
);
world.readers.set("reader", ["7"]);
const names = async (path: string, headers = {}) =>
  (await ask(path, { headers })).as(listSchema).images.map(({ name }) => name);

test("images are found by a part of their name, and none that is hidden, whoever asks", async () => {
  assert.deepEqual(await names("/v1/images?q=acme/app"), ["ghcr.io/acme/app"]);
  assert.deepEqual(await names("/v1/images?q=hidden"), []);
  assert.deepEqual(await names("/v1/images?q=hidden", { authorization: "Bearer reader" }), []);
});

test("R14 a search for trusted images finds none that has lapsed, and shows it as pending elsewhere", async () => {
  assert.deepEqual(await names("/v1/images?verdict=trusted"), ["ghcr.io/acme/app"]);
  const { images } = (await ask("/v1/images?q=lapsed")).as(listSchema);
  assert.deepEqual(
    images.map(({ state, verdict }) => [state, verdict]),
    [["pending", "undetermined"]],
  );
});

test("a list that goes on nowhere is refused", async () => {
  assertProblem(await ask("/v1/images?after=forged"), 400, "malformed-request");
});

test("what turned private since is left out of lists", async () => {
  assert.deepEqual(await names("/v1/images?q=other"), ["ghcr.io/acme/other"]);
  forget();
  const id = world.answers.find(({ image }) => image.repository === "acme/other")?.id ?? "";
  world.turned.set(id, ["7"]);
  const below = `/v1/verdicts/${digest("base")}/descendants`;
  for (const headers of [{}, { authorization: "Bearer reader" }]) {
    assert.deepEqual(await names("/v1/images?q=other", headers), []);
    assert.ok(!(await names(below, headers)).includes("ghcr.io/acme/other"));
  }
  world.turned.clear();
  forget();
});

test("a list goes on where its link says", async () => {
  const first = await ask("/v1/images?limit=2");
  const { next } = first.as(listSchema);
  assert.ok(next !== null);
  assert.equal(first.headers.link, `</v1/images?limit=2&after=${next}>; rel="next"`);
  const second = await ask(`/v1/images?limit=2&after=${next}`);
  assert.equal(second.as(listSchema).next, null);
  assert.equal(second.headers.link, undefined);
});

test("a parameter that isn't known, is there twice, or can't be read is refused", async () => {
  for (const query of [
    "verdit=trusted",
    "verdict=fine",
    "limit=0",
    "limit=101",
    "limit=-1",
    "q=",
    "q=a&q=b",
    `q=${"a".repeat(300)}`,
  ])
    assertProblem(await ask(`/v1/images?${query}`), 400, "malformed-request");
});

test("descendants are told of any digest, in parts", async () => {
  const answered = await ask(`/v1/verdicts/${digest("base")}/descendants?limit=2`);
  assert.equal(answered.as(listSchema).images.length, 2);
  assert.ok(answered.as(listSchema).next !== null);
});

test("the history of a name is for whoever may see the image, and says nothing of now", async () => {
  const { verdicts } = (await ask("/v1/history?image=ghcr.io/acme/other:1")).as(historySchema);
  assert.deepEqual(
    verdicts.map(({ outcome, faults }) => [outcome, faults]),
    [["untrusted", ["unattested"]]],
  );
  assertProblem(await ask("/v1/history?image=ghcr.io/acme/hidden:1"), 404, "nothing");
  assertProblem(await ask("/v1/history"), 400, "malformed-request");
});
