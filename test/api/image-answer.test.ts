import assert from "node:assert/strict";
import { test } from "node:test";
import { answerSchema } from "../../src/api/answer-form.ts";
import { problemSchema } from "../../src/api/problem.ts";
import { trusted, untrusted } from "../report/answered.ts";
import { answerOn, NOW, PUBLISHED } from "./answers.ts";
import { assertProblem, serveApi } from "./scene.ts";

const { ask, world, faults } = await serveApi();
world.answers.push(
  answerOn({ image: "ghcr.io/acme/app:1.0.0", verdict: trusted }),
  answerOn({ image: "ghcr.io/acme/bad:1.0.0", verdict: untrusted }),
  answerOn({ image: "ghcr.io/acme/lapsed:1", verdict: trusted, validUntil: NOW }),
  answerOn({
    image: "ghcr.io/acme/hidden:1",
    verdict: trusted,
    audience: { kind: "readers", repositoryIds: ["7"] },
  }),
);
world.readers.set("reader", ["7"]);

test("R1 an answer says which policy it is by, of which digest it is, and when it was judged", async () => {
  const answered = await ask("/v1/images/ghcr.io/acme/app:1.0.0");
  assert.equal(answered.status, 200);
  const json = answered.as(answerSchema);
  assert.equal(json.verdict, "trusted");
  assert.equal(json.state, "judged");
  assert.equal(json.policy?.digest, PUBLISHED);
  assert.match(json.digest ?? "", /^sha256:/);
  assert.equal(json.asOf, "2026-03-01T11:00:00.000Z");
  assert.equal(json.resolvedAt, NOW.toISOString());
});

test("slashes of a reference may be percent-encoded, once", async () => {
  const encoded = await ask(`/v1/images/${encodeURIComponent("ghcr.io/acme/app:1.0.0")}`);
  assert.equal(encoded.status, 200);
  const twice = encodeURIComponent(encodeURIComponent("ghcr.io/acme/app:1.0.0"));
  assertProblem(await ask(`/v1/images/${twice}`), 400, "malformed-reference");
  assertProblem(await ask("/v1/images/%ff"), 400, "malformed-request");
});

test("a fault is told with the images on its way by name", async () => {
  const json = (await ask("/v1/images/ghcr.io/acme/bad:1.0.0")).as(answerSchema);
  assert.equal(json.verdict, "untrusted");
  const [fault] = json.faults;
  assert.equal(fault?.code, "unattested");
  assert.equal(fault?.path.length, 3);
  assert.match(fault?.path[2]?.reference ?? "", /^ghcr\.io\/acme\//);
});

test("R14 what has lapsed is pending, and undetermined, whatever it was", async () => {
  const { as, headers } = await ask("/v1/images/ghcr.io/acme/lapsed:1");
  const json = as(answerSchema);
  assert.equal(json.state, "pending");
  assert.equal(json.verdict, "undetermined");
  assert.equal(json.former?.outcome, "trusted");
  assert.equal(headers["cache-control"], "no-store");
});

test("what is hidden and what isn't there are answered alike, byte for byte", async () => {
  const own = ({
    headers: { date: _, "x-request-id": __, ratelimit: ___, ...headers },
    text,
    status,
  }: Awaited<ReturnType<typeof ask>>) => ({
    status,
    headers,
    text,
  });
  for (const headers of [{}, { authorization: "Bearer stranger" }]) {
    const hidden = await ask("/v1/images/ghcr.io/acme/hidden:1", { headers });
    const missing = await ask("/v1/images/ghcr.io/acme/absent:1", { headers });
    assertProblem(hidden, 404, "nothing");
    assert.deepEqual(own(hidden), own(missing));
  }
});

test("whoever can read the repository is told, and nobody keeps it", async () => {
  const asked = { headers: { authorization: "Bearer reader" } };
  const { status, headers } = await ask("/v1/images/ghcr.io/acme/hidden:1", asked);
  assert.equal(status, 200);
  assert.equal(headers["cache-control"], "private, no-store");
  assertProblem(await ask("/v1/images/ghcr.io/acme/hidden:1"), 404, "nothing");
});

test("an Authorization header that can't be read is refused, whatever is asked for", async () => {
  for (const authorization of ["Basic YTpi", "Bearer", "Bearer a b", 'Bearer "x"'])
    for (const name of ["hidden", "absent", "app"])
      assertProblem(
        await ask(`/v1/images/ghcr.io/acme/${name}:1`, { headers: { authorization } }),
        401,
        "malformed-authorization",
      );
});

test("a verdict that says something else than its line is a fault of ours, and never told", async () => {
  const { document } = answerOn({ image: "ghcr.io/acme/torn:1", verdict: untrusted });
  world.answers.push({ ...answerOn({ image: "ghcr.io/acme/torn:1", verdict: trusted }), document });
  const answered = await ask("/v1/images/ghcr.io/acme/torn:1");
  assertProblem(answered, 500, "internal");
  assert.equal(answered.as(problemSchema).requestId, answered.headers["x-request-id"]);
  assert.equal(faults.length, 1);
});

test("R3 an owner's own verdict is a lesser mark, and only of those whose number an accepted statement carries", async () => {
  const answer = answerOn({ image: "ghcr.io/acme/owned:1", verdict: untrusted });
  const source = { repository: "https://github.com/acme/app", repositoryId: "7", ownerId: "1" };
  // On another forge the same number is another repository's.
  const elsewhere = { ...source, repository: "https://git.example/rival/app", repositoryId: "8" };
  const sources = [source, elsewhere].map((each) => ({ ...each, commit: null, ref: null, run: null, builder: null }));
  world.answers.push({ ...answer, facts: { ...answer.facts, sources } });
  const said = {
    ownerId: 1,
    outcome: "trusted",
    conclusion: undefined,
    asOf: NOW,
    policyUri: "",
    policyCommit: "",
  } as const;
  world.owners.push(
    { ...said, repositoryId: 7, fullName: "acme/app" },
    { ...said, repositoryId: 8, fullName: "rival/app" },
  );
  const { verdict, owners } = (await ask("/v1/images/ghcr.io/acme/owned:1")).as(answerSchema);
  assert.equal(verdict, "untrusted");
  assert.deepEqual(
    owners.map(({ repository, verdict: theirs }) => [repository, theirs]),
    [["acme/app", "trusted"]],
  );
});
