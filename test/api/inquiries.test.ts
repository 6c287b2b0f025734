import assert from "node:assert/strict";
import { test } from "node:test";
import type { Inquiry } from "../../src/answer/inquiry.ts";
import { inquirySchema } from "../../src/api/inquiry-form.ts";
import { parseReference } from "../../src/image/reference.ts";
import { REPOSITORY } from "../build/world.ts";
import { answerOn, NOW } from "./answers.ts";
import { assertProblem, serveApi } from "./scene.ts";

const { ask, world } = await serveApi();
world.answers.push(
  answerOn({ image: "ghcr.io/acme/app:1" }),
  answerOn({ image: "ghcr.io/acme/hidden:1", audience: { kind: "readers", repositoryIds: ["7"] } }),
);
world.readers.set("reader", ["7"]);

const post = (reference: string, headers: Readonly<Record<string, string>> = {}) =>
  ask(`/v1/images/${reference}/verify`, { method: "POST", headers });

function inquiryOf(id: string, given: Partial<Inquiry>): void {
  const asked = { askedAt: NOW, failures: 0, repository: undefined, waiting: undefined, end: undefined };
  world.inquiries.set(id, { id, image: parseReference("ghcr.io/acme/app:1"), ...asked, ...given });
}

test("an image that nobody asked about is noted, and its place to look is told", async () => {
  const { status, headers, as } = await post("ghcr.io/acme/new");
  assert.equal(status, 202);
  const { self, state, reference } = as(inquirySchema);
  assert.equal(headers.location, self);
  assert.equal(state, "open");
  assert.equal(reference, "ghcr.io/acme/new:latest");
  assert.equal((await ask(self.slice("https://builds.example".length))).as(inquirySchema).state, "open");
});

test("an image called verify has an address like any other", async () => {
  await post("ghcr.io/acme/verify/verify");
  assert.equal(world.asked.at(-1), "ghcr.io/acme/verify/verify:latest");
  assertProblem(await ask("/v1/images/ghcr.io/acme/verify"), 404, "nothing");
});

test("the answer to an inquiry is told to those who may see it; to others it is as if there were no image", async () => {
  const end = { kind: "answered", answer: "some", at: NOW } as const;
  inquiryOf("hidden", { image: parseReference("ghcr.io/acme/hidden:1"), end });
  inquiryOf("absent", { image: parseReference("ghcr.io/acme/absent:1"), end: { kind: "nothing", at: NOW } });
  const stranger = (await ask("/v1/inquiries/hidden")).as(inquirySchema);
  assert.deepEqual([stranger.state, stranger.answer], ["nothing", null]);
  const absent = (await ask("/v1/inquiries/absent")).as(inquirySchema);
  assert.deepEqual([absent.state, absent.answer], ["nothing", null]);
  const headers = { authorization: "Bearer reader" };
  assert.equal((await ask("/v1/inquiries/hidden", { headers })).as(inquirySchema).state, "answered");
});

test("what a walk with credentials met is told to nobody", async () => {
  const waiting = { reason: "the registry is slow", until: NOW };
  inquiryOf("own", { waiting, repository: REPOSITORY });
  inquiryOf("anyones", { waiting });
  assert.equal((await ask("/v1/inquiries/own")).as(inquirySchema).waiting, null);
  assert.equal((await ask("/v1/inquiries/anyones")).as(inquirySchema).waiting?.reason, waiting.reason);
});

test("R15 what could not be looked at to the end is no word on whether there is an image, and of a build's own image tells no reason", async () => {
  const end = { kind: "not-looked", reason: "the registry doesn't answer", at: NOW } as const;
  inquiryOf("unseen", { image: parseReference("ghcr.io/acme/absent:1"), end });
  inquiryOf("own-unseen", { image: parseReference("ghcr.io/acme/absent:1"), end, repository: REPOSITORY });
  const told = (await ask("/v1/inquiries/unseen")).as(inquirySchema);
  assert.deepEqual([told.state, told.reason, told.answer], ["not-looked", end.reason, null]);
  const own = (await ask("/v1/inquiries/own-unseen")).as(inquirySchema);
  assert.deepEqual([own.state, own.reason], ["not-looked", null]);
});

test("where too many wait already, more are asked to come later", async () => {
  world.isBusy = true;
  const answered = await post("ghcr.io/acme/more", { "x-client": "192.0.2.9" });
  world.isBusy = false;
  assertProblem(answered, 503, "too-busy");
  assert.equal(answered.headers["retry-after"], "60");
});

test("another site's page can't have its visitors ask; this server's own pages can", async () => {
  const headers = (site: string) => ({ "x-client": "192.0.2.10", "sec-fetch-site": site });
  assertProblem(await post("ghcr.io/acme/x", headers("cross-site")), 403, "cross-site");
  assertProblem(await post("ghcr.io/acme/x", headers("same-site")), 403, "cross-site");
  assert.equal((await post("ghcr.io/acme/x", headers("same-origin"))).status, 202);
});

test("a client asks ten times a minute and no more, and is told when to come again", async () => {
  const headers = { "x-client": "192.0.2.11" };
  const before = world.asked.length;
  for (let i = 0; i < 10; i++) assert.equal((await post("ghcr.io/acme/x", headers)).status, 202);
  const refused = await post("ghcr.io/acme/x", headers);
  assertProblem(refused, 429, "too-many-requests");
  assert.equal(world.asked.length, before + 10);
  assert.equal(refused.headers["retry-after"], "6");
  assert.equal(refused.headers["ratelimit-policy"], '"ask-minute";q=10;w=60, "ask-hour";q=60;w=3600');
  assert.equal(refused.headers.ratelimit, '"ask-minute";r=0;t=60');
  assert.equal((await post("ghcr.io/acme/x", { "x-client": "192.0.2.12" })).status, 202);
});
