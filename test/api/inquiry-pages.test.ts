import assert from "node:assert/strict";
import { test } from "node:test";
import { trusted } from "../report/answered.ts";
import { answerOn, NOW } from "./answers.ts";
import { type Asked, serveApi } from "./scene.ts";

const { ask, world } = await serveApi();
world.answers.push(
  answerOn({ image: "ghcr.io/acme/app:1.0.0", verdict: trusted }),
  answerOn({ image: "ghcr.io/acme/hidden:1", verdict: trusted, audience: { kind: "readers", repositoryIds: ["7"] } }),
);

let clients = 0;
/** A form as a browser sends it, each from a client of its own. */
const form = (body: string, headers: Asked["headers"] = {}): Asked => ({
  method: "POST",
  body,
  headers: { "content-type": "application/x-www-form-urlencoded", "x-client": `c${++clients}`, ...headers },
});

test("a form has an image judged, and leads to a page that waits without script", async () => {
  const sent = await ask("/inquiries", form("image=ghcr.io%2Facme%2Fapp%3A1.0.0"));
  assert.equal(sent.status, 303);
  assert.deepEqual(world.asked, ["ghcr.io/acme/app:1.0.0"]);
  const waits = await ask(sent.headers.location ?? "");
  assert.equal(waits.status, 200);
  assert.ok(waits.text.includes('http-equiv="refresh"'));
  assert.ok(!/<script|banner good/.test(waits.text));
  const [inquiry] = world.inquiries.values();
  if (inquiry === undefined) throw new Error("nothing was asked");
  world.inquiries.set(inquiry.id, { ...inquiry, end: { kind: "answered", answer: "x", at: NOW } });
  const ended = await ask(sent.headers.location ?? "");
  assert.equal(ended.status, 303);
  assert.equal(ended.headers.location, "/images/ghcr.io/acme/app:1.0.0");
});

test("that an image was judged whose answer may not be seen looks as if there were none", async () => {
  const bodies = new Set<string>();
  for (const [image, kind] of [
    ["ghcr.io/acme/hidden:1", "answered"],
    ["ghcr.io/acme/absent:1", "nothing"],
  ] as const) {
    const { headers } = await ask("/inquiries", form(`image=${encodeURIComponent(image)}`));
    const id = headers.location?.split("/").at(-1) ?? "";
    const inquiry = world.inquiries.get(id);
    if (inquiry === undefined) throw new Error(`nothing was asked of ${image}`);
    world.inquiries.set(id, {
      ...inquiry,
      end: kind === "nothing" ? { kind, at: NOW } : { kind, answer: "x", at: NOW },
    });
    const looked = world.looked.length;
    const ended = await ask(headers.location ?? "");
    assert.equal(ended.status, 404);
    assert.equal(world.looked.length, looked + 1);
    bodies.add(ended.text);
  }
  bodies.add((await ask("/inquiries/none")).text);
  bodies.add((await ask("/images/ghcr.io/acme/absent:1")).text);
  assert.equal(bodies.size, 1);
});

test("what a build's own walk met isn't told on the page that waits", async () => {
  const waiting = { reason: "asked registry.internal", until: NOW };
  const repository = { id: 1, owner: "acme", name: "app", installationId: 1, isPrivate: false } as never;
  const inquiry = {
    image: answerOn({ image: "ghcr.io/acme/app:1" }).image,
    askedAt: NOW,
    failures: 1,
    waiting,
    end: undefined,
  };
  world.inquiries.set("ours", { ...inquiry, id: "ours", repository });
  world.inquiries.set("anyone's", { ...inquiry, id: "anyone's", repository: undefined });
  assert.ok(!(await ask("/inquiries/ours")).text.includes("registry.internal"));
  assert.ok((await ask("/inquiries/anyone's")).text.includes("registry.internal"));
});

test("another site's page can't have its visitors ask, and what is no such form is refused, on a page", async () => {
  const asked = world.asked.length;
  const refused = [
    await ask("/inquiries", form("image=alpine", { "sec-fetch-site": "cross-site" })),
    await ask("/inquiries", form('{"image":"alpine"}', { "content-type": "application/json" })),
    await ask("/inquiries", form("image=alpine&image=busybox")),
    await ask("/inquiries", form("image=%2F%2F")),
    await ask("/inquiries", form(`image=${"x".repeat(5000)}`)),
  ];
  assert.deepEqual(
    refused.map(({ status }) => status),
    [403, 415, 400, 400, 413],
  );
  for (const { headers } of refused) assert.match(headers["content-type"] ?? "", /^text\/html/);
  assert.equal(world.asked.length, asked);
});

test("forms are paced like any other way to have images judged", async () => {
  const statuses: number[] = [];
  for (let i = 0; i < 11; i++)
    statuses.push((await ask("/inquiries", form("image=alpine", { "x-client": "one" }))).status);
  assert.equal(statuses.filter((status) => status === 303).length, 10);
  assert.equal(statuses.at(-1), 429);
});

test("too many open questions are told on a page, with when to come again", async () => {
  world.isBusy = true;
  const busy = await ask("/inquiries", form("image=alpine"));
  world.isBusy = false;
  assert.equal(busy.status, 503);
  assert.ok(busy.headers["retry-after"]);
});

test("where nobody may have images judged there is no form and no address for one", async () => {
  const { ask: askThere } = await serveApi({ asking: undefined as never });
  assert.ok(!(await askThere("/")).text.includes('method="post"'));
  assert.ok(!(await askThere("/images/ghcr.io/acme/absent:1")).text.includes('method="post"'));
  assert.ok((await askThere("/inquiries/x")).headers["x-elsewhere"]);
});
