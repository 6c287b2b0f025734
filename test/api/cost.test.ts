import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as soon } from "node:timers/promises";
import type { ApiResponse, Route } from "../../src/api/exchange.ts";
import { node, verdict } from "../report/verdicts.ts";
import { answerOn } from "./answers.ts";
import { type Answered, assertProblem, serveApi } from "./scene.ts";

const MIB = 1024 * 1024;
const SMALL: ApiResponse = { status: 200, headers: {}, body: "small" };

function route(path: string, answered: ApiResponse, given: Partial<Route> = {}): Route {
  const match = (asked: string) => (asked === path ? [] : undefined);
  return { method: "GET", match, maxBody: 0, handle: async () => answered, ...given };
}

let arrived = 0;
let begun = 0;
const held = Promise.withResolvers<void>();
const { ask, world } = await serveApi({
  routes: [
    route("/small", SMALL),
    route("/large", { ...SMALL, body: "x".repeat(MIB + 1) }),
    route("/large-and-costly", { ...SMALL, body: Buffer.alloc(MIB) }, { cost: () => 10 }),
    route("/shared", { ...SMALL, body: Buffer.alloc(MIB / 2), shared: { ms: 10_000 } }),
    route("/from-much", { ...SMALL, read: 160 * MIB }),
    route("/held", SMALL, {
      cost: () => {
        arrived += 1;
        return 1;
      },
      handle: async () => {
        begun += 1;
        await held.promise;
        return { ...SMALL, read: 50 * MIB };
      },
    }),
  ],
});

/** What a client that asked for nothing else has left of 600. */
const leftOf = ({ headers }: Answered) => Number(/;r=([0-9]+);/.exec(String(headers.ratelimit))?.[1]);

test("an answer counts as one request for each 256 KiB that was made, and as no less than was known before", async () => {
  let client = 0;
  const costOf = async (path: string, asked: { method?: string; headers?: Record<string, string> } = {}) => {
    client += 1;
    return 600 - leftOf(await ask(path, { ...asked, headers: { ...asked.headers, "x-client": `made ${client}` } }));
  };
  assert.equal(await costOf("/small"), 1);
  assert.equal(await costOf("/large"), 5);
  assert.equal(await costOf("/large-and-costly"), 10);
  // It was made, and isn't sent.
  assert.equal(await costOf("/large", { method: "HEAD" }), 5);
  assert.equal(await costOf("/large", { headers: { "if-none-match": "*" } }), 5);
  assert.equal(await costOf("/shared"), 2);
  assert.equal(await costOf("/shared"), 1, "from memory");
});

test("whoever has had more than was left waits until time has given it back, and nobody else does", async () => {
  const headers = { "x-client": "indebted" };
  assert.equal((await ask("/from-much", { headers })).status, 200);
  const refused = await ask("/small", { headers });
  assertProblem(refused, 429, "too-many-requests");
  assert.equal(refused.headers["retry-after"], "5");
  assert.equal((await ask("/small", { headers: { "x-client": "other" } })).status, 200);
  world.now = new Date(world.now.getTime() + 5000);
  assert.equal((await ask("/small", { headers })).status, 200);
});

test("whoever asks for much at once doesn't have it all before he pays for the first of it", async () => {
  const headers = { "x-client": "at once" };
  const asked = Array.from({ length: 40 }, () => ask("/held", { headers }));
  while (arrived < 40) await soon();
  assert.equal(begun, 8);
  held.resolve();
  const statuses = (await Promise.all(asked)).map(({ status }) => status);
  assert.equal(statuses.filter((status) => status === 200).length, begun);
  assert.equal(statuses.filter((status) => status === 429).length, 40 - begun);
  assert.ok(begun < 16, `${begun}`);
});

const LONG = "x".repeat(2 * MIB);
const LARGE = verdict([node("app", { warnings: [LONG] })]);
/** A page shows little of a reason, and an ancestry no warnings. */
const LARGE_REASON = verdict([node("app", { finding: { kind: "opaque", code: "list-only", reason: LONG } })]);

test("a large verdict is paid for also where little of it is told", async () => {
  for (const [name, document] of [
    ["ghcr.io/acme/large:1", LARGE],
    ["ghcr.io/acme/large-reason:1", LARGE_REASON],
  ] as const) {
    const answer = answerOn({ image: name, verdict: document });
    world.answers.push(answer);
    const { digest } = answer.image;
    for (const path of [
      `/v1/images/${name}`,
      `/v1/verdicts/${digest}?image=${name}`,
      `/v1/verdicts/${digest}/ancestry?image=${name}`,
      `/images/${name}`,
    ]) {
      const answered = await ask(path, { headers: { "x-client": path } });
      assert.equal(answered.status, 200);
      assert.ok(leftOf(answered) <= 592, `${path} ${answered.headers.ratelimit}`);
    }
  }
});

test("what is hidden counts as what isn't there, however large it is", async () => {
  const hidden = answerOn({
    image: "ghcr.io/acme/large-hidden:1",
    verdict: LARGE,
    audience: { kind: "readers", repositoryIds: ["7"] },
  });
  world.answers.push(hidden);
  const absent = "sha256:".padEnd(71, "0");
  for (const [there, not] of [
    ["/v1/images/ghcr.io/acme/large-hidden:1", "/v1/images/ghcr.io/acme/large-absent:1"],
    [`/v1/verdicts/${hidden.image.digest}`, `/v1/verdicts/${absent}`],
    [`/v1/verdicts/${hidden.image.digest}/evidence`, `/v1/verdicts/${absent}/evidence`],
    [`/v1/verdicts/${hidden.image.digest}/ancestry`, `/v1/verdicts/${absent}/ancestry`],
    ["/images/ghcr.io/acme/large-hidden:1", "/images/ghcr.io/acme/large-absent:1"],
    ["/images/ghcr.io/acme/large-hidden:1.svg", "/images/ghcr.io/acme/large-absent:1.svg"],
  ] as const) {
    const told = await ask(there, { headers: { "x-client": there } });
    const missing = await ask(not, { headers: { "x-client": not } });
    assert.equal(told.status, missing.status);
    assert.equal(told.headers.ratelimit, missing.headers.ratelimit, there);
  }
});
