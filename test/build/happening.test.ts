import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import fc from "fast-check";
import { DeliveryError, type Happening, readHappening } from "../../src/build/happening.ts";

type Payload = Record<string, unknown>;

const definitions = createRequire(import.meta.url)("@octokit/webhooks-examples") as readonly {
  readonly name: string;
  readonly examples: readonly Payload[];
}[];

/** The first example of an event that fits, as an app gets it: examples were taken from webhooks of repositories as well. */
function example(event: string, wanted: Payload = {}): Payload {
  const found = definitions
    .find(({ name }) => name === event)
    ?.examples.find((payload) => Object.entries(wanted).every(([key, value]) => payload[key] === value));
  assert.ok(found, `no example of ${event}`);
  return { installation: { id: 5 }, ...structuredClone(found) };
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

const TAG_PUSH = example("push", { ref: "refs/tags/simple-tag", deleted: false });
const TAG_DELETION: Payload = example("push", { ref: "refs/tags/simple-tag", deleted: true });
const REPOSITORY = {
  id: 186853002,
  ownerId: 21031067,
  owner: "Codertocat",
  name: "Hello-World",
  installation: 5,
  isPrivate: false,
};

test("a tag that was pushed is read with both its ends", () => {
  assert.deepEqual(readHappening("push", { ...TAG_PUSH, before: "0".repeat(40), after: "a".repeat(40) }), {
    kind: "tag-pushed",
    push: { repository: REPOSITORY, ref: "refs/tags/simple-tag", before: "0".repeat(40), after: "a".repeat(40) },
  });
});

test("a tag that was deleted names nothing since", () => {
  const happening = readHappening("push", TAG_DELETION);
  assert.ok(happening?.kind === "tag-pushed");
  assert.deepEqual([happening.push.after, happening.push.before], [undefined, TAG_DELETION.before]);
});

test("ids of SHA-256 repositories are read", () => {
  const happening = readHappening("push", { ...TAG_PUSH, before: "0".repeat(64), after: "a".repeat(64) });
  assert.ok(happening?.kind === "tag-pushed");
  assert.equal(happening.push.after, "a".repeat(64));
});

test("pushes of branches, and of what only looks like a tag, are of no concern", () => {
  assert.equal(readHappening("push", example("push", { ref: "refs/heads/master" })), undefined);
  for (const ref of ["refs/heads/refs/tags/v1", "tags/v1", "v1", "", "Refs/tags/v1", " refs/tags/v1"])
    assert.equal(readHappening("push", { ...TAG_PUSH, ref }), undefined, ref);
});

test("a run is read with its title, in which the build's id stands", () => {
  for (const action of ["requested", "in_progress", "completed"]) {
    const payload = changed({ ...example("workflow_run"), action }, "workflow_run.display_title", "Trusted build 7");
    const run = payload.workflow_run as { id: number };
    const { id: repositoryId } = payload.repository as { id: number };
    const expected: Happening = { kind: "run-changed", repositoryId, runId: run.id, title: "Trusted build 7" };
    assert.deepEqual(readHappening("workflow_run", payload), expected);
  }
});

test("a run without a title is read", () => {
  for (const title of [undefined, null]) {
    const payload = changed(example("workflow_run"), "workflow_run.display_title", title);
    const happening = readHappening("workflow_run", payload);
    assert.ok(happening?.kind === "run-changed");
    assert.equal(happening.title, "");
  }
});

test("a check run that someone asks for again is read with its external id", () => {
  const payload = changed(example("check_run", { action: "rerequested" }), "check_run.external_id", "an id.2");
  const run = payload.check_run as { id: number };
  const { id: repositoryId } = payload.repository as { id: number };
  assert.deepEqual(readHappening("check_run", payload), {
    kind: "check-rerun-asked",
    repositoryId,
    checkRun: run.id,
    externalId: "an id.2",
  });
});

test("check runs that are made and completed, by us as well, are of no concern", () => {
  for (const action of ["created", "completed", "requested_action"])
    assert.equal(readHappening("check_run", example("check_run", { action })), undefined);
});

test("the repositories of an installation are read with their owner", () => {
  const payload = example("installation", { action: "created" });
  const by = payload.installation as { id: number; account: { id: number; login: string } };
  const [first] = payload.repositories as { id: number; name: string; private: boolean }[];
  assert.ok(first);
  const repository = {
    id: first.id,
    name: first.name,
    isPrivate: first.private,
    ownerId: by.account.id,
    owner: by.account.login,
    installation: by.id,
  };
  for (const action of ["created", "unsuspend"])
    assert.deepEqual(readHappening("installation", { ...payload, action }), {
      kind: "repositories-added",
      repositories: [repository],
    });
});

test("an installation that is deleted is gone, whatever it was on", () => {
  const payload = example("installation", { action: "deleted" });
  const { id: installation } = payload.installation as { id: number };
  const gone = { kind: "installation-gone", installation };
  assert.deepEqual(readHappening("installation", payload), gone);
  assert.deepEqual(readHappening("installation", changed(payload, "installation.account", { slug: "big-co" })), gone);
});

test("suspended installations and new permissions are of no concern", () => {
  for (const action of ["suspend", "new_permissions_accepted"])
    assert.equal(readHappening("installation", example("installation", { action })), undefined);
});

test("repositories that are given to the app and taken from it are read", () => {
  const given = example("installation_repositories", { action: "added" });
  const happening = readHappening("installation_repositories", given);
  assert.ok(happening?.kind === "repositories-added");
  assert.deepEqual(
    happening.repositories.map(({ id }) => id),
    (given.repositories_added as { id: number }[]).map(({ id }) => id),
  );
  const taken = example("installation_repositories", { action: "removed" });
  assert.deepEqual(readHappening("installation_repositories", taken), {
    kind: "repositories-removed",
    ids: (taken.repositories_removed as { id: number }[]).map(({ id }) => id),
  });
});

test("R3 a repository that turns private is heard, and none that turns public: that may be an old word", () => {
  const hidden = example("repository", { action: "privatized" });
  assert.deepEqual(readHappening("repository", hidden), {
    kind: "repository-hidden",
    id: (hidden.repository as { id: number }).id,
  });
  for (const action of ["publicized", "renamed", "edited"])
    assert.equal(readHappening("repository", example("repository", { action })), undefined, action);
});

test("a button of ours and a suite that is asked for again are told, and a button with another name is none", () => {
  const clicked = (identifier: string) =>
    readHappening("check_run", {
      ...example("check_run", { action: "requested_action" }),
      requested_action: { identifier },
      sender: { login: "ada" },
    });
  const asked = clicked("re-verify");
  assert.deepEqual([asked?.kind, asked?.kind === "check-rerun-asked" && asked.by], ["check-rerun-asked", "ada"]);
  assert.equal(clicked("pin-digests"), undefined);
  const suite = readHappening("check_suite", example("check_suite", { action: "rerequested" }));
  assert.equal(suite?.kind, "suite-rerun-asked");
});

test("events and actions that aren't known are of no concern, whatever they say", () => {
  const known = [
    "push",
    "workflow_run",
    "check_run",
    "check_suite",
    "installation",
    "installation_repositories",
    "repository",
  ];
  for (const { name, examples } of definitions)
    if (!known.includes(name))
      for (const payload of examples) assert.equal(readHappening(name, payload), undefined, name);
  for (const name of ["", "Push", "push ", "constructor", "__proto__", "toString"])
    for (const payload of [null, undefined, 7, {}, TAG_PUSH])
      assert.equal(readHappening(name, payload), undefined, name);
  for (const name of ["check_run", "installation", "installation_repositories", "repository"])
    assert.equal(readHappening(name, { action: "one that comes later" }), undefined, name);
});

test("every example of every known event is read or of no concern, as an app gets it", () => {
  for (const { name, examples } of definitions)
    for (const payload of examples) readHappening(name, { installation: { id: 5 }, ...payload });
});

/** One place of a delivery in which nothing else may stand. */
const MALFORMED: readonly (readonly [event: string, payload: Payload, path: string, values: readonly unknown[]])[] = [
  ["push", TAG_PUSH, "ref", [undefined, null, 7, ["refs/tags/v1"], { toString: 1 }]],
  ["push", TAG_PUSH, "before", [undefined, null, "", "abc", "A".repeat(40), `${"a".repeat(40)}\n`, "a".repeat(41)]],
  ["push", TAG_PUSH, "after", [undefined, "g".repeat(40), `${"a".repeat(40)}/../x`]],
  ["push", TAG_PUSH, "deleted", [undefined, "false", 0]],
  ["push", TAG_PUSH, "installation", [undefined, null, 5]],
  ["push", TAG_PUSH, "installation.id", ["5", 0, -1, 1.5, Number.MAX_SAFE_INTEGER + 1]],
  ["push", TAG_PUSH, "repository", [undefined, null]],
  ["push", TAG_PUSH, "repository.id", [undefined, "99", 0, -99, 1.5]],
  ["push", TAG_PUSH, "repository.name", [undefined, "", 7]],
  ["push", TAG_PUSH, "repository.private", [undefined, "true", null]],
  ["push", TAG_PUSH, "repository.owner", [undefined, null, "acme"]],
  ["push", TAG_PUSH, "repository.owner.id", [undefined, "1234"]],
  ["push", TAG_PUSH, "repository.owner.login", [undefined, ""]],
  ["workflow_run", example("workflow_run"), "workflow_run", [undefined, null]],
  ["workflow_run", example("workflow_run"), "workflow_run.id", [undefined, "7", 0]],
  ["workflow_run", example("workflow_run"), "workflow_run.display_title", [7, {}]],
  ["workflow_run", example("workflow_run"), "repository.id", [undefined, "7"]],
  ["check_run", example("check_run", { action: "rerequested" }), "action", [undefined, 7]],
  ["check_run", example("check_run", { action: "rerequested" }), "check_run.id", [undefined, "7"]],
  ["check_run", example("check_run", { action: "rerequested" }), "check_run.external_id", [7, {}]],
  ["check_run", example("check_run", { action: "rerequested" }), "repository", [undefined]],
  ["repository", example("repository", { action: "privatized" }), "repository", [undefined, null, { id: "7" }]],
  ["installation", example("installation", { action: "created" }), "action", [undefined]],
  ["installation", example("installation", { action: "created" }), "installation.account", [undefined, { slug: "x" }]],
  ["installation", example("installation", { action: "created" }), "repositories", [7, [{ id: 1 }]]],
  ["installation", example("installation", { action: "deleted" }), "installation.id", [undefined, "5"]],
  [
    "installation_repositories",
    example("installation_repositories", { action: "added" }),
    "repositories_added",
    [undefined, [{ id: 1, name: "", private: true }]],
  ],
  [
    "installation_repositories",
    example("installation_repositories", { action: "removed" }),
    "repositories_removed",
    [undefined, [{ id: "1" }]],
  ],
];

for (const [event, payload, path, values] of MALFORMED) {
  test(`a delivery of ${event} (${String(payload.action ?? "tag")}) whose ${path} is malformed is refused by name`, () => {
    assert.notEqual(readHappening(event, payload), undefined);
    for (const value of values)
      assert.throws(
        () => readHappening(event, changed(payload, path, value)),
        (error) =>
          error instanceof DeliveryError && error.code === "malformed-delivery" && error.message.includes(event),
        JSON.stringify(value),
      );
  });
}

test("whatever JSON a known event holds, it is read, of no concern, or refused by name", () => {
  const events = fc.constantFrom(
    "push",
    "workflow_run",
    "check_run",
    "installation",
    "installation_repositories",
    "repository",
  );
  const fields = fc.dictionary(
    fc.constantFrom(
      "ref",
      "action",
      "repository",
      "installation",
      "check_run",
      "workflow_run",
      "repositories",
      "before",
    ),
    fc.oneof(
      fc.jsonValue(),
      fc.constantFrom("refs/tags/v1", "rerequested", "created", "added", "privatized", { id: 1 }),
    ),
  );
  fc.assert(
    fc.property(events, fc.oneof(fc.jsonValue(), fields), (event, payload) => {
      try {
        readHappening(event, payload);
      } catch (error) {
        assert.ok(error instanceof DeliveryError, String(error));
      }
    }),
    { numRuns: 2000 },
  );
});

const BRANCH_PUSH = changed(
  changed(changed(TAG_PUSH, "ref", "refs/heads/trunk"), "repository.default_branch", "trunk"),
  "commits",
  [{ added: [], removed: [], modified: ["Dockerfile"] }],
);

/** What a push of these paths says about policies. */
function policyKinds(paths: readonly string[], changes: readonly (readonly [string, unknown])[] = []): unknown {
  const commits = [
    { added: [], removed: [], modified: ["README.md"] },
    { added: paths, removed: [], modified: [] },
  ];
  const payload = [["commits", commits] as const, ...changes].reduce(
    (before, [path, value]) => changed(before, path, value),
    BRANCH_PUSH,
  );
  const happening = readHappening("push", payload);
  return happening?.kind === "policy-pushed" ? happening.kinds : happening;
}

test("R2 a push to the default branch tells of policy where it touches it", () => {
  const POLICY = ".github/trusted-builds.yml";
  const home = [["repository.name", ".GitHub"]] as const;
  assert.equal(policyKinds(["Dockerfile", "trusted-builds.yml", "sub/.github/trusted-builds.yml"]), undefined);
  assert.deepEqual(policyKinds([POLICY]), ["repository"]);
  assert.equal(policyKinds([POLICY], [["ref", "refs/heads/other"]]), undefined);
  assert.deepEqual(policyKinds(["trusted-builds.yml"], home), ["organisation"]);
  assert.deepEqual(policyKinds([POLICY, "trusted-builds.yml"], home), ["repository", "organisation"]);
});

test("R2 a push whose changes GitHub doesn't tell whole may have touched policy", () => {
  assert.deepEqual(policyKinds([], [["forced", true]]), ["repository"]);
  assert.deepEqual(policyKinds([], [["commits", []]]), ["repository"]);
  const commit = { added: [], removed: [], modified: ["Dockerfile"] };
  assert.deepEqual(policyKinds([], [["commits", Array(2048).fill(commit)]]), ["repository"]);
  assert.deepEqual(
    policyKinds(
      [],
      [
        ["repository.name", ".github"],
        ["forced", true],
      ],
    ),
    ["repository", "organisation"],
  );
});
