import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import fc from "fast-check";
import { DeliveryError, RE_VERIFY } from "../../src/build/happening.ts";
import { PIN_DIGESTS, readPullHappening } from "../../src/change/pull-happening.ts";

type Payload = Record<string, unknown>;

const definitions = createRequire(import.meta.url)("@octokit/webhooks-examples") as readonly {
  readonly name: string;
  readonly examples: readonly Payload[];
}[];

/** The first example of an event with this action, as an app gets it. */
function example(event: string, action: string): Payload {
  const found = definitions.find(({ name }) => name === event)?.examples.find((payload) => payload.action === action);
  assert.ok(found, `no example of ${event} ${action}`);
  return { ...structuredClone(found), installation: { id: 5 } };
}

/** Another value in one place; undefined takes it away. */
function changed(payload: Payload, path: string, value: unknown): Payload {
  const copy = structuredClone(payload);
  const keys = path.split(".");
  const last = keys.pop() ?? "";
  const at = keys.reduce<Payload>((object, key) => object[key] as Payload, copy);
  if (value === undefined) delete at[last];
  else at[last] = value;
  return copy;
}

const idOf = (payload: Payload, name: string) => (payload[name] as { readonly id: number }).id;

const OPENED = example("pull_request", "opened");
const EDITED = { ...OPENED, action: "edited", changes: { base: { ref: { from: "old" }, sha: { from: "a" } } } };
const RERUN = example("check_run", "rerequested");
const CLICKED: Payload = {
  ...example("check_run", "requested_action"),
  requested_action: { identifier: PIN_DIGESTS },
  sender: { login: "ada" },
};
const SUITE = example("check_suite", "rerequested");

test("a pull request that is opened, pushed to, reopened or closed is to be looked at, in the repository it is made to", () => {
  for (const action of ["opened", "synchronize", "reopened", "closed"]) {
    const payload = example("pull_request", action);
    const { id, owner, name } = payload.repository as {
      id: number;
      name: string;
      owner: { id: number; login: string };
    };
    assert.deepEqual(
      readPullHappening("pull_request", payload),
      {
        kind: "pull-changed",
        number: payload.number,
        repository: { id, ownerId: owner.id, owner: owner.login, name, installation: 5, isPrivate: false },
      },
      action,
    );
  }
});

test("the fork that a pull request comes from is no repository of ours, and may be gone", () => {
  const fork = { ref: "x", sha: "f".repeat(40), repo: { id: 7, name: "fork", owner: { id: 8, login: "eve" } } };
  const expected = readPullHappening("pull_request", OPENED);
  for (const head of [fork, { ...fork, repo: null }, undefined, "gone"])
    assert.deepEqual(readPullHappening("pull_request", changed(OPENED, "pull_request.head", head)), expected);
});

test("of what is edited only another base is of concern", () => {
  assert.equal(readPullHappening("pull_request", EDITED)?.kind, "pull-changed");
  for (const changes of [{ title: { from: "old" } }, { body: { from: "old" } }, {}, null, undefined])
    assert.equal(readPullHappening("pull_request", changed(EDITED, "changes", changes)), undefined);
});

test("everything else that can be done to a pull request is of no concern", () => {
  const known = ["opened", "synchronize", "reopened", "closed", "edited"];
  for (const payload of definitions.find(({ name }) => name === "pull_request")?.examples ?? [])
    if (!known.includes(String(payload.action))) assert.equal(readPullHappening("pull_request", payload), undefined);
  for (const action of ["", "Opened", "one that comes later", "constructor"])
    assert.equal(readPullHappening("pull_request", { ...OPENED, action }), undefined, action);
});

test("a check run that GitHub's own button asks for again is read with nobody's name, whatever its external id", () => {
  const expected = {
    kind: "pull-rerun-asked",
    repositoryId: idOf(RERUN, "repository"),
    checkRun: idOf(RERUN, "check_run"),
    by: undefined,
  };
  for (const external of ["", "an id of a build", null, undefined, 7]) {
    const payload = changed(RERUN, "check_run.external_id", external);
    assert.deepEqual(readPullHappening("check_run", payload), expected);
  }
  // Whoever signs for it, the identifier of another button changes nothing.
  assert.deepEqual(
    readPullHappening("check_run", { ...RERUN, requested_action: { identifier: PIN_DIGESTS } }),
    expected,
  );
});

test("R33 a button of ours is read with who clicked it; without a name nobody did, who may write", () => {
  const about = { repositoryId: idOf(CLICKED, "repository"), checkRun: idOf(CLICKED, "check_run") };
  const clicked = (identifier: unknown, sender: unknown = { login: "ada" }) =>
    readPullHappening("check_run", { ...CLICKED, requested_action: { identifier }, sender });
  assert.deepEqual(clicked(PIN_DIGESTS), { kind: "pins-asked", ...about, by: "ada" });
  assert.deepEqual(clicked(RE_VERIFY), { kind: "pull-rerun-asked", ...about, by: "ada" });
  for (const sender of [undefined, null])
    assert.deepEqual(readPullHappening("check_run", { ...CLICKED, sender }), { kind: "pins-asked", ...about, by: "" });
});

test("a button that isn't ours asks for nothing", () => {
  const given = example("check_run", "requested_action");
  assert.equal(readPullHappening("check_run", given), undefined);
  for (const identifier of ["", "Pin-digests", `${PIN_DIGESTS} `, "re-verify\n", "__proto__"])
    assert.equal(readPullHappening("check_run", { ...CLICKED, requested_action: { identifier } }), undefined);
  for (const requested_action of [null, undefined])
    assert.equal(readPullHappening("check_run", { ...CLICKED, requested_action }), undefined);
});

test("check runs and suites that are made and completed are of no concern", () => {
  for (const action of ["created", "completed"])
    for (const payload of [example("check_run", action), { ...CLICKED, action }])
      assert.equal(readPullHappening("check_run", payload), undefined);
  for (const action of ["requested", "completed"])
    assert.equal(readPullHappening("check_suite", example("check_suite", action)), undefined);
});

test("a suite that is asked for again is read with its commit, of SHA-256 as well", () => {
  const about = { kind: "pulls-rerun-asked", repositoryId: idOf(SUITE, "repository") };
  for (const commit of ["a".repeat(40), "b".repeat(64)])
    assert.deepEqual(readPullHappening("check_suite", changed(SUITE, "check_suite.head_sha", commit)), {
      ...about,
      commit,
    });
});

test("events that don't tell of pull requests are of no concern, whatever they say", () => {
  for (const { name, examples } of definitions)
    if (!["pull_request", "check_run", "check_suite"].includes(name))
      for (const payload of examples) assert.equal(readPullHappening(name, payload), undefined, name);
  for (const name of ["", "Pull_request", "pull_request ", "constructor", "__proto__"])
    for (const payload of [null, undefined, 7, {}, OPENED])
      assert.equal(readPullHappening(name, payload), undefined, name);
});

test("every example of every known event is read or of no concern, as an app gets it", () => {
  for (const { name, examples } of definitions)
    for (const payload of examples) readPullHappening(name, { ...payload, installation: { id: 5 } });
});

/** One place of a delivery in which nothing else may stand. */
const MALFORMED: readonly (readonly [event: string, payload: Payload, path: string, values: readonly unknown[]])[] = [
  ["pull_request", OPENED, "action", [undefined, null, 7, ["opened"]]],
  ["pull_request", OPENED, "number", [undefined, "2", 0, -1, 1.5, Number.MAX_SAFE_INTEGER + 1]],
  ["pull_request", OPENED, "installation", [undefined, null, 5]],
  ["pull_request", OPENED, "installation.id", ["5", 0, -1, 1.5]],
  ["pull_request", OPENED, "repository", [undefined, null]],
  ["pull_request", OPENED, "repository.id", [undefined, "99", 0, -99, 1.5]],
  ["pull_request", OPENED, "repository.name", [undefined, "", 7]],
  ["pull_request", OPENED, "repository.private", [undefined, "true", null]],
  ["pull_request", OPENED, "repository.owner", [undefined, null, "acme"]],
  ["pull_request", OPENED, "repository.owner.id", [undefined, "1234", 0]],
  ["pull_request", OPENED, "repository.owner.login", [undefined, ""]],
  ["pull_request", EDITED, "changes", [7, "base", []]],
  ["check_run", RERUN, "action", [undefined, 7]],
  ["check_run", RERUN, "check_run.id", [undefined, "7", 0]],
  ["check_run", RERUN, "repository", [undefined, null]],
  ["check_run", RERUN, "repository.id", ["7", -7]],
  ["check_run", CLICKED, "requested_action", [7, {}, { identifier: 7 }]],
  ["check_run", CLICKED, "sender", [7, {}, { login: 7 }]],
  ["check_suite", SUITE, "action", [undefined, null]],
  ["check_suite", SUITE, "repository.id", [undefined, "7"]],
  [
    "check_suite",
    SUITE,
    "check_suite.head_sha",
    [undefined, "", "HEAD", "A".repeat(40), `${"a".repeat(40)}\n`, "a".repeat(41), `${"a".repeat(40)}/../x`],
  ],
];

for (const [event, payload, path, values] of MALFORMED) {
  test(`a delivery of ${event} (${String(payload.action)}) whose ${path} is malformed is refused by name`, () => {
    assert.notEqual(readPullHappening(event, payload), undefined);
    for (const value of values)
      assert.throws(
        () => readPullHappening(event, changed(payload, path, value)),
        (error) => error instanceof DeliveryError && error.message.includes(event),
        JSON.stringify(value),
      );
  });
}

test("whatever JSON a known event holds, it is read, of no concern, or refused by name", () => {
  const events = fc.constantFrom("pull_request", "check_run", "check_suite");
  const known = fc.constantFrom<unknown>("opened", "edited", "rerequested", "requested_action", { id: 1 }, 7, {
    identifier: PIN_DIGESTS,
  });
  const names = fc.constantFrom(
    "action",
    "number",
    "repository",
    "installation",
    "check_run",
    "check_suite",
    "changes",
  );
  const fields = fc.dictionary(names, fc.oneof(fc.jsonValue(), known));
  const over = fc
    .tuple(fc.constantFrom(OPENED, RERUN, CLICKED, SUITE), fields)
    .map(([on, more]) => ({ ...on, ...more }));
  fc.assert(
    fc.property(events, fc.oneof(fc.jsonValue(), fields, over), (event, payload) => {
      try {
        const happening = readPullHappening(event, payload);
        if (happening?.kind === "pull-changed") assert.ok(happening.number > 0 && happening.repository.id > 0);
        else if (happening !== undefined) assert.ok(happening.repositoryId > 0);
      } catch (error) {
        assert.ok(error instanceof DeliveryError, String(error));
      }
    }),
    { numRuns: 2000 },
  );
});
