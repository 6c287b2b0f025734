import assert from "node:assert/strict";
import { test } from "node:test";
import { createReadyAnswers } from "../../src/api/ready-answers.ts";
import { answerOn, NOW } from "./answers.ts";
import { serveApi } from "./scene.ts";

const ready = (length = 1) => ({ headers: [], body: Buffer.alloc(length), etag: '"x"' });

test("an answer is ready for ten seconds at most, however long it may be kept", () => {
  const answers = createReadyAnswers();
  answers.keep("/a", ready(), 3_600_000, 0, answers.generation);
  assert.ok(answers.get("/a", 9_999));
  assert.equal(answers.get("/a", 10_000), undefined);
});

test("R14 a clock that is set back keeps nothing longer", () => {
  const answers = createReadyAnswers();
  answers.keep("/a", ready(), 10_000, 3_600_000, answers.generation);
  assert.equal(answers.get("/a", 0), undefined);
});

test("what was begun before something was judged anew isn't kept", () => {
  const answers = createReadyAnswers();
  const { generation } = answers;
  answers.forget();
  answers.keep("/a", ready(), 1000, 0, generation);
  assert.equal(answers.get("/a", 0), undefined);
});

test("so many bytes are kept and no more, the oldest are dropped, and one that is too large isn't kept", () => {
  const answers = createReadyAnswers(300_000);
  for (const address of ["/a", "/b", "/c"]) answers.keep(address, ready(100_000), 1000, 0, 0);
  assert.equal(answers.get("/a", 0), undefined);
  assert.ok(answers.get("/b", 0) && answers.get("/c", 0));
  answers.keep("/d", ready(600_000), 1000, 0, 0);
  assert.equal(answers.get("/d", 0), undefined);
  assert.ok(answers.get("/c", 0));
});

test("what everyone may see is sent from memory, to nobody who sends a token, until it is judged anew", async () => {
  const { ask, world, forget } = await serveApi();
  world.answers.push(answerOn({ image: "ghcr.io/acme/app:1" }));
  const path = "/v1/images/ghcr.io/acme/app:1";
  const questions = async (headers = {}) => {
    const before = world.looked.length;
    await ask(path, { headers });
    return world.looked.length - before;
  };
  assert.equal(await questions(), 1);
  assert.equal(await questions(), 0);
  assert.equal(await questions({ authorization: "Bearer someone" }), 1);
  assert.equal(await questions(), 0);
  forget();
  assert.equal(await questions(), 1);
});

test("what is hidden, pending or missing never is", async () => {
  const { ask, world } = await serveApi();
  world.answers.push(answerOn({ image: "ghcr.io/acme/hidden:1", audience: { kind: "readers", repositoryIds: ["7"] } }));
  world.answers.push(answerOn({ image: "ghcr.io/acme/lapsed:1", validUntil: NOW }));
  world.readers.set("reader", ["7"]);
  const headers = { authorization: "Bearer reader" };
  for (const name of ["hidden", "lapsed", "absent"]) {
    const path = `/v1/images/ghcr.io/acme/${name}:1`;
    for (const asked of [{ headers }, {}, { headers }, {}]) {
      const before = world.looked.length;
      await ask(path, asked);
      assert.equal(world.looked.length, before + 1);
    }
  }
});

test("R14 an answer isn't kept, here and elsewhere together, beyond the time at which it lapses", async () => {
  const { ask, world } = await serveApi();
  const after = (ms: number) => new Date(NOW.getTime() + ms);
  world.answers.push(answerOn({ image: "ghcr.io/acme/soon:1", validUntil: after(4000) }));
  world.answers.push(answerOn({ image: "ghcr.io/acme/later:1", validUntil: after(15_500) }));
  const soon = await ask("/v1/images/ghcr.io/acme/soon:1");
  assert.equal(soon.headers["cache-control"], "public, max-age=0, must-revalidate");
  const later = await ask("/v1/images/ghcr.io/acme/later:1");
  assert.equal(later.headers["cache-control"], "public, max-age=5, must-revalidate");
  world.now = after(4000);
  const { text } = await ask("/v1/images/ghcr.io/acme/soon:1");
  assert.match(text, /"verdict": "undetermined"/);
});

test("what a route would let anyone have isn't taken from what somebody with a token was told", async () => {
  let told = 0;
  const { ask } = await serveApi({
    routes: [
      {
        method: "GET",
        match: (path) => (path === "/shown" ? [] : undefined),
        maxBody: 0,
        handle: async () => ({ status: 200, headers: {}, body: String(++told), shared: { ms: 1000 } }),
      },
    ],
  });
  await ask("/shown", { headers: { authorization: "Bearer x" } });
  assert.equal((await ask("/shown")).text, "2");
  assert.equal((await ask("/shown")).text, "2");
});
