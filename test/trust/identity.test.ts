import assert from "node:assert/strict";
import { test } from "node:test";
import type { FulcioExtensions } from "../../src/attestation/identity.ts";
import { accepts } from "../../src/trust/identity.ts";
import {
  type Alteration,
  commit,
  extensions,
  policyOf,
  policyWith,
  signedByKey,
  verified,
  workflow,
} from "./verified.ts";

const image = "ghcr.io/acme/app";
const pinned = policyWith();
const outcome = (alteration: Alteration, policy = pinned, name = image) => {
  const answer = accepts(policy, name, verified(alteration));
  return answer.kind === "accepted" ? "accepted" : answer.code;
};

test("R4 accepts the one signer that policy names, at the level it grants", () => {
  const answer = accepts(pinned, image, verified());
  assert.equal(answer.kind, "accepted");
  assert.deepEqual(answer.kind === "accepted" && [answer.level, answer.warnings, answer.builder.path], [
    3,
    [],
    "trust.builders[0]",
  ]);
});

/** Spellings that a person, or a reader of URLs, takes for the text. */
function lookAlikes(text: string): readonly string[] {
  return [
    "",
    `${text}x`,
    `x${text}`,
    `${text}/`,
    `${text}\n`,
    `\n${text}`,
    `${text} `,
    ` ${text}`,
    `${text}\0`,
    `${text}\u200b`,
    `${text}#`,
    `${text}?`,
    `${text}@`,
    text.slice(0, -1),
    text.replace("a", "\u0430"),
    text.replace(/.$/, (last) => `%${last.charCodeAt(0).toString(16)}`),
  ].filter((each) => each !== text);
}

const urlLookAlikes = (url: string): readonly string[] => {
  const path = url.replace("https://github.com/", "");
  return [
    `http://github.com/${path}`,
    `https://github.com.evil.example/${path}`,
    `https://evil.example/github.com/${path}`,
    `https://user@github.com/${path}`,
    `https://github.com@evil.example/${path}`,
    `https://github.com:443/${path}`,
    `https://github.com:8443/${path}`,
    `https://www.github.com/${path}`,
    `https://\uff47ithub.com/${path}`,
    `https:github.com/${path}`,
    `https:\\\\github.com\\${path}`,
    `https://github.com/evil/../${path}`,
    `https://github.com/./${path}`,
    `https://github.com//${path}`,
    `https://github.com/evil/${path}`,
    path,
    `//github.com/${path}`,
    `git+${url}`,
  ];
};

/** For each extension that a check rests on: the code of its refusal, and what only looks right. */
const refused: readonly {
  readonly field: keyof FulcioExtensions;
  readonly code: string;
  readonly wrong: readonly string[];
}[] = [
  {
    field: "buildSignerUri",
    code: "workflow",
    wrong: [
      ...urlLookAlikes(extensions.buildSignerUri),
      "https://github.com/acme/builder/.github/workflows/build.yml@refs/heads/v2",
      "https://github.com/acme/builder/.github/workflows/build.yml@refs/tags/w2",
      "https://github.com/acme/builder/.github/workflows/build.yml@refs/tags/v2/x",
      "https://github.com/acme/builder/.github/workflows/build.yml@refs/tags/v2@refs/tags/v2",
      "https://github.com/acme/builder/.github/workflows/build.yml@refs/pull/1/merge",
      `https://github.com/acme/builder/.github/workflows/build.yml@${commit}`,
      "https://github.com/acme/builder/.github/workflows/build.yml",
      "https://github.com/acme/builder/.github/workflows/Build.yml@refs/tags/v2",
      "https://github.com/acme/builder/.github/workflows/build.yaml@refs/tags/v2",
      "https://github.com/acme/builder/.github/workflows/evil/build.yml@refs/tags/v2",
      "https://github.com/acme/builder/.GITHUB/workflows/build.yml@refs/tags/v2",
      "https://github.com/acme/builder.git/.github/workflows/build.yml@refs/tags/v2",
      "https://github.com/acme/builder-evil/.github/workflows/build.yml@refs/tags/v2",
      "https://github.com/evil/builder/.github/workflows/build.yml@refs/tags/v2",
      "https://github.com/evil/x/.github/workflows/acme/builder/.github/workflows/build.yml@refs/tags/v2",
      "https://github.com/acme/app/.github/workflows/build.yml@refs/tags/v2",
      "https://github.com/acme/buil\u212ader/.github/workflows/build.yml@refs/tags/v2",
    ],
  },
  { field: "buildSignerDigest", code: "builder-moved", wrong: lookAlikes(extensions.buildSignerDigest) },
  {
    field: "runnerEnvironment",
    code: "runner",
    wrong: ["self-hosted", "Github-Hosted", ...lookAlikes("github-hosted")],
  },
  {
    field: "sourceRepositoryUri",
    code: "source-repository",
    wrong: [
      ...lookAlikes(extensions.sourceRepositoryUri),
      ...urlLookAlikes(extensions.sourceRepositoryUri),
      "https://github.com/acme/app.git",
      "https://github.com/acme/app-evil",
      "https://github.com/acme/other",
      "https://github.com/evil/app",
      "https://github.com/acme",
      "https://github.com/acme/app/tree/main",
    ],
  },
  {
    field: "sourceRepositoryDigest",
    code: "source-commit",
    wrong: [commit.toUpperCase(), "main", "a".repeat(41), "a".repeat(39), `${commit}\n`, `sha1:${commit}`],
  },
  {
    field: "sourceRepositoryRef",
    code: "ref",
    wrong: [
      "",
      "refs/heads/main",
      "refs/pull/1/merge",
      "refs/tags",
      "refs/tag/v1.0",
      "REFS/tags/v1.0",
      "v1.0",
      "refs/remotes/refs/tags/v1.0",
      "refs/tags/v1.0\n",
      "refs/tags/v1.0@x",
    ],
  },
  {
    field: "sourceRepositoryIdentifier",
    code: "repository-id",
    wrong: ["78", "077", "+77", "77.0", "7 7", "0x4d", "\u0667\u0667", ...lookAlikes("77")],
  },
  {
    field: "sourceRepositoryOwnerIdentifier",
    code: "owner-id",
    wrong: ["1235", "01234", "1234.0", ...lookAlikes("1234")],
  },
  {
    field: "buildTrigger",
    code: "event",
    wrong: [
      "pull_request",
      "pull_request_target",
      "workflow_run",
      "issue_comment",
      "schedule",
      "Push",
      "repository_dispatch",
      ...lookAlikes("push"),
    ],
  },
  {
    field: "runInvocationUri",
    code: "run",
    wrong: [
      ...lookAlikes(extensions.runInvocationUri).filter((each) => !/\/attempts\/\d+$/.test(each)),
      ...urlLookAlikes(extensions.runInvocationUri),
      "https://github.com/acme/app/actions/runs/8791219607",
      "https://github.com/acme/app/actions/runs/8791219607/attempts/0",
      "https://github.com/acme/app/actions/runs/0/attempts/1",
      "https://github.com/acme/app/actions/runs/x/attempts/1",
      "https://github.com/acme/app.git/actions/runs/8791219607/attempts/1",
      "https://github.com/acme/other/actions/runs/8791219607/attempts/1",
      "https://github.com/evil/app/actions/runs/8791219607/attempts/1",
    ],
  },
];

/** With both ids another name can be the same repository's. */
const idsOf = (ids: string) =>
  policyOf(`version: 1
trust:
  builders:
    - images: ["ghcr.io/acme/{repo}"]
      github: { repository: "acme/{repo}", ${ids}, workflow: "${workflow}" }
`);
const byOwner = idsOf("owner-id: 1234");
const byRepository = idsOf("repository-id: 77");

for (const { field, code, wrong } of refused) {
  test(`R6 refuses a certificate without ${field}: missing is a mismatch`, () => {
    // Without .9 there is nothing that the certificate's name could equal.
    const expected = field === "buildSignerUri" ? "signer-name" : code;
    assert.equal(outcome({ extensions: { [field]: undefined } }), expected);
    assert.equal(outcome({}), "accepted");
  });

  test(`R4 R6 refuses every look-alike in ${field}`, () => {
    assert.ok(wrong.length > 4);
    for (const policy of field === "sourceRepositoryUri" ? [byOwner, byRepository] : [pinned])
      for (const value of wrong)
        assert.equal(outcome({ extensions: { [field]: value } }, policy), code, JSON.stringify(value));
    assert.equal(outcome({ extensions: { [field]: extensions[field] } }), "accepted");
  });
}

test("R4 refuses another issuer, whatever it looks like", () => {
  const issuer = "https://token.actions.githubusercontent.com";
  const others = [
    ...lookAlikes(issuer),
    `${issuer}/acme`,
    "https://github.com/login/oauth",
    "https://token.actions.githubusercontent.com.evil.example",
    "https://accounts.google.com",
    "HTTPS://TOKEN.ACTIONS.GITHUBUSERCONTENT.COM",
  ];
  for (const other of others) assert.equal(outcome({ issuer: other }), "issuer", other);
  assert.equal(outcome({ issuer }), "accepted");
});

test("R4 refuses a certificate whose name isn't its build signer", () => {
  const names = [
    ...lookAlikes(extensions.buildSignerUri),
    extensions.buildConfigUri,
    "builder@acme.example",
    extensions.buildSignerUri.toUpperCase(),
  ];
  for (const subjectAlternativeName of names)
    assert.equal(outcome({ subjectAlternativeName }), "signer-name", subjectAlternativeName);
  assert.equal(outcome({ subjectAlternativeName: extensions.buildSignerUri }), "accepted");
});

test("R4 takes owner and repository without regard to case, as GitHub does", () => {
  const spelled = {
    buildSignerUri: "https://github.com/Acme/Builder/.github/workflows/build.yml@refs/tags/v2",
    sourceRepositoryUri: "https://github.com/ACME/App",
    runInvocationUri: "https://github.com/Acme/app/actions/runs/1/attempts/2",
  };
  assert.equal(outcome({ extensions: spelled }), "accepted");
});

test("R4 takes the Kelvin sign for no k", () => {
  const policy = policyOf(`version: 1
trust:
  builders:
    - images: [ghcr.io/acme/book]
      github: { repository: acme/book, workflow: "acme/kit/.github/workflows/b.yml@refs/tags/*" }
`);
  const honest = {
    buildSignerUri: "https://github.com/acme/kit/.github/workflows/b.yml@refs/tags/v1",
    sourceRepositoryUri: "https://github.com/acme/book",
    runInvocationUri: "https://github.com/acme/book/actions/runs/1/attempts/1",
  };
  const as = (change: Partial<typeof honest>) =>
    outcome({ extensions: { ...honest, ...change } }, policy, "ghcr.io/acme/book");
  assert.equal(as({}), "accepted");
  assert.equal(as({ sourceRepositoryUri: "https://github.com/acme/boo\u212a" }), "source-repository");
  assert.equal(as({ buildSignerUri: honest.buildSignerUri.replace("kit", "\u212ait") }), "workflow");
  assert.equal(as({ runInvocationUri: honest.runInvocationUri.replace("book", "boo\u212a") }), "run");
});

test("R4 a repository of the organisation doesn't speak for another's image", () => {
  const other = {
    sourceRepositoryUri: "https://github.com/acme/other",
    sourceRepositoryIdentifier: "78",
    runInvocationUri: "https://github.com/acme/other/actions/runs/1/attempts/1",
  };
  const policy = policyOf(`version: 1
trust:
  builders:
    - images: ["ghcr.io/acme/{repo}"]
      github: { repository: "acme/{repo}", owner-id: 1234, workflow: "${workflow}" }
`);
  assert.equal(outcome({ extensions: other }, policy, "ghcr.io/acme/other"), "accepted");
  assert.equal(outcome({ extensions: other }, policy, "ghcr.io/acme/app"), "source-repository");
});

test("R4 a stranger's workflow that calls the builder speaks for nobody's image but a stranger's", () => {
  const stranger = {
    sourceRepositoryUri: "https://github.com/evil/app",
    sourceRepositoryOwnerUri: "https://github.com/evil",
    sourceRepositoryIdentifier: "666",
    sourceRepositoryOwnerIdentifier: "667",
    runInvocationUri: "https://github.com/evil/app/actions/runs/1/attempts/1",
    buildConfigUri: "https://github.com/evil/app/.github/workflows/release.yml@refs/tags/v1.0",
  };
  assert.equal(outcome({ extensions: stranger }), "source-repository");
  assert.equal(
    outcome({ extensions: { ...stranger, sourceRepositoryUri: extensions.sourceRepositoryUri } }),
    "repository-id",
  );
});

test("R4 a captured name is taken literally: an image that ends in .git is no repository's", () => {
  assert.equal(
    outcome(
      {},
      policyOf(`version: 1
trust:
  builders:
    - images: ["ghcr.io/acme/{repo}"]
      github: { repository: "acme/{repo}", workflow: "${workflow}" }
`),
      "ghcr.io/acme/app.git",
    ),
    "source-repository",
  );
});

test("R4 names nobody for an image that no pattern matches", () => {
  for (const name of [
    "ghcr.io/acme/app/sub",
    "ghcr.io/evil/app",
    "docker.io/acme/app",
    "ghcr.io.evil.example/acme/app",
    "GHCR.IO/acme/app",
  ])
    assert.equal(outcome({}, pinned, name), "no-builder", name);
  assert.equal(outcome({}, policyOf("version: 1\n")), "no-builder");
});

test("R4 refuses a key where policy names workflows", () => {
  const answer = accepts(pinned, image, signedByKey([new Date()]));
  assert.equal(answer.kind === "refused" && answer.code, "signer-kind");
});

test("R7 the caller's workflow is not the builder", () => {
  const swapped = { buildSignerUri: extensions.buildConfigUri, buildConfigUri: extensions.buildSignerUri };
  assert.equal(outcome({ extensions: swapped }), "workflow");
});

test("R7 a workflow pinned to a commit matches that commit and nothing else", () => {
  const policy = policyOf(`version: 1
trust:
  builders:
    - images: [${image}]
      github: { repository: acme/app, workflow: acme/builder/.github/workflows/build.yml@${commit} }
`);
  const at = (ref: string) =>
    outcome(
      { extensions: { buildSignerUri: `https://github.com/acme/builder/.github/workflows/build.yml@${ref}` } },
      policy,
    );
  assert.equal(at(commit), "accepted");
  for (const ref of ["refs/tags/v2", `refs/heads/${commit}`, commit.replace("a", "b"), commit.toUpperCase()])
    assert.equal(at(ref), "workflow", ref);
});

test("R7 the file and the ref of a workflow have a case", () => {
  const policy = policyOf(`version: 1
trust:
  builders:
    - images: [${image}]
      github: { repository: acme/app, workflow: Acme/Builder/.github/workflows/*.yml@refs/tags/V* }
`);
  const at = (tail: string) =>
    outcome({ extensions: { buildSignerUri: `https://github.com/acme/builder/${tail}` } }, policy);
  assert.equal(at(".github/workflows/build.yml@refs/tags/V2"), "accepted");
  assert.equal(at(".github/workflows/build.yml@refs/tags/v2"), "workflow");
});

test("R7 takes a builder's workflow in a repository called .github", () => {
  const policy = policyOf(`version: 1
trust:
  builders:
    - images: [${image}]
      github: { repository: acme/app, owner-id: 1234, workflow: acme/.github/.github/workflows/build.yml@refs/tags/* }
      level: 3
`);
  const buildSignerUri = "https://github.com/acme/.github/.github/workflows/build.yml@refs/tags/v1";
  const answer = accepts(policy, image, verified({ extensions: { buildSignerUri } }));
  assert.equal(answer.kind === "accepted" && answer.level, 3);
});

test("R6 a self-hosted runner counts only where policy says so, and no runner never", () => {
  const runner = (policy: string, runnerEnvironment: string | undefined) =>
    outcome({ extensions: { runnerEnvironment } }, policyWith([`runner: ${policy}`]));
  assert.equal(runner("self-hosted", "self-hosted"), "accepted");
  assert.equal(runner("self-hosted", "github-hosted"), "runner");
  assert.equal(runner("any", "self-hosted"), "accepted");
  assert.equal(runner("any", undefined), "runner");
});

test("R6 an event counts only if policy lists it", () => {
  const policy = policyWith(["events: [schedule]"]);
  assert.equal(outcome({ extensions: { buildTrigger: "schedule" } }, policy), "accepted");
  assert.equal(outcome({ extensions: { buildTrigger: "push" } }, policy), "event");
});

test("R5 asks which branch is the default one only where all else holds", () => {
  const policy = policyWith(["refs: [default-branch]"]);
  const branch = verified({ extensions: { sourceRepositoryRef: "refs/heads/main" } });
  const code = (isDefault?: boolean, statement = branch) => {
    const answer = accepts(policy, image, statement, isDefault);
    return answer.kind === "accepted" ? "accepted" : answer.code;
  };
  assert.equal(code(undefined), "default-branch-unknown");
  assert.equal(code(true), "accepted");
  assert.equal(code(false), "ref");
  const foreign = verified({ extensions: { sourceRepositoryRef: "refs/heads/main", buildTrigger: "schedule" } });
  assert.equal(code(undefined, foreign), "event");
  assert.equal(code(true, verified({ extensions: { sourceRepositoryRef: "refs/pull/1/merge" } })), "ref");
  assert.equal(code(true, verified()), "ref", "a tag is no branch");
  assert.equal(code(true, verified({ extensions: { sourceRepositoryRef: undefined } })), "ref");
});

const two = (first: string, second: string) =>
  policyOf(`version: 1
trust:
  builders:
    - images: [${image}]
      ${first}
    - images: [${image}]
      ${second}
`);
const github = (more: string) => `github: { repository: acme/app, owner-id: 1234, workflow: "${workflow}", ${more} }`;

test("R5 a builder for tags before it doesn't hide that the branch has to be asked for", () => {
  const branch = verified({ extensions: { sourceRepositoryRef: "refs/heads/main" } });
  const [tags, branches] = [github("refs: ['refs/tags/*']"), github("refs: [default-branch]")];
  for (const policy of [two(tags, branches), two(branches, tags)]) {
    const answer = accepts(policy, image, branch);
    assert.equal(answer.kind === "refused" && answer.code, "default-branch-unknown");
    assert.equal(accepts(policy, image, branch, true).kind, "accepted");
  }
});

test("R4 the order of builders is without effect on what is granted", () => {
  const lesser = `${github("runner: any")}\n      level: 1`;
  const better = `${github("runner: github-hosted")}\n      level: 3`;
  const building = `${github("runner: any")}\n      level: 1\n      builds: true`;
  const granted = (first: string, second: string) => {
    const answer = accepts(two(first, second), image, verified());
    return answer.kind === "accepted" && [answer.level, answer.builder.builds];
  };
  assert.deepEqual(granted(lesser, better), [3, false]);
  assert.deepEqual(granted(better, lesser), [3, false]);
  assert.deepEqual(granted(building, better), [1, true]);
  assert.deepEqual(granted(better, building), [1, true]);
});

test("R4 tells the refusal of the builder that got furthest", () => {
  const far = github("runner: self-hosted");
  const near = github("issuer: https://elsewhere.example");
  for (const policy of [two(far, near), two(near, far)]) assert.equal(outcome({}, policy), "runner");
});

const levelOf = (policy: ReturnType<typeof policyOf>, alteration: Alteration = {}) => {
  const answer = accepts(policy, image, verified(alteration));
  assert.equal(answer.kind, "accepted");
  return answer.kind === "accepted" ? [answer.level, answer.warnings.length] : undefined;
};
const granting = (ids: string, more = "") =>
  policyOf(
    `version: 1
trust:
  builders:
    - images: [${image}]
      level: 3
      github: { repository: acme/app, workflow: "acme/*/.github/workflows/*@refs/tags/*", ${ids} ${more} }
`.replace("acme/*/", "acme/builder/"),
  );

test("R8 a source without a numeric id is level 1 at most, with a warning; either id lifts that", () => {
  assert.deepEqual(levelOf(granting("")), [1, 1]);
  assert.deepEqual(levelOf(granting("repository-id: 77")), [3, 0]);
  assert.deepEqual(levelOf(granting("owner-id: 1234")), [3, 0]);
});

/** A policy that knows the repository by both numbers. */
const withIds = (images: string, repository: string) =>
  policyOf(`version: 1
trust:
  builders:
    - images: ["${images}"]
      github: { repository: "${repository}", repository-id: 77, owner-id: 1234, workflow: acme/builder/.github/workflows/build.yml@refs/tags/v* }
      level: 3
`);

test("R8 a rename keeps trust with a warning, a transfer asks anew", () => {
  const renamed = {
    sourceRepositoryUri: "https://github.com/acme/app-ng",
    runInvocationUri: "https://github.com/acme/app-ng/actions/runs/1/attempts/1",
  };
  const spelledOut = withIds(image, "acme/app");
  const answer = accepts(spelledOut, image, verified({ extensions: renamed }));
  assert.deepEqual(answer.kind === "accepted" && [answer.level, answer.warnings.length], [3, 1]);
  assert.match(answer.kind === "accepted" ? (answer.warnings[0] ?? "") : "", /app-ng/);
  const moved = {
    sourceRepositoryUri: "https://github.com/evil/app",
    sourceRepositoryOwnerUri: "https://github.com/evil",
    sourceRepositoryOwnerIdentifier: "666",
    runInvocationUri: "https://github.com/evil/app/actions/runs/1/attempts/1",
  };
  assert.equal(outcome({ extensions: moved }, spelledOut), "source-repository", "transferred");
  for (const changes of [
    { sourceRepositoryIdentifier: "78" },
    { sourceRepositoryIdentifier: undefined },
    { sourceRepositoryOwnerIdentifier: "1235" },
    { sourceRepositoryOwnerIdentifier: undefined },
    { sourceRepositoryUri: "https://github.com.evil.example/acme/app-ng" },
    { sourceRepositoryUri: "https://github.com/acme/app-ng.git" },
    { sourceRepositoryUri: "https://github.com/acme/app-ng\n" },
  ])
    assert.equal(
      outcome({ extensions: { ...renamed, ...changes } }, spelledOut),
      "source-repository",
      JSON.stringify(changes),
    );
  for (const id of ["owner-id: 1234", "repository-id: 77"])
    assert.equal(outcome({ extensions: renamed }, granting(id)), "source-repository", "one id isn't enough");
});

test("R8 a look-alike owner, and another repository of the same organisation, are no rename", () => {
  const spelledOut = withIds(image, "acme/app");
  const as = (owner: string, repo: string, id: string, ownerId: string) => ({
    sourceRepositoryUri: `https://github.com/${owner}/${repo}`,
    sourceRepositoryOwnerUri: `https://github.com/${owner}`,
    sourceRepositoryIdentifier: id,
    sourceRepositoryOwnerIdentifier: ownerId,
    runInvocationUri: `https://github.com/${owner}/${repo}/actions/runs/1/attempts/1`,
  });
  assert.equal(outcome({ extensions: as("acme", "app", "77", "1234") }, spelledOut), "accepted");
  assert.equal(outcome({ extensions: as("acme", "other", "78", "1234") }, spelledOut), "source-repository");
  assert.equal(outcome({ extensions: as("acrne", "app", "79", "666") }, spelledOut), "source-repository");
  assert.equal(
    outcome({ extensions: as("acme", "app", "77", "666") }, spelledOut),
    "owner-id",
    "the name was taken over",
  );
  assert.equal(
    outcome({ extensions: as("acme", "app", "80", "1234") }, spelledOut),
    "repository-id",
    "the name was made anew",
  );
});

test("R4 R8 where the image's name says which repository it is, one with the right numbers speaks for its own images alone", () => {
  const derived = withIds("ghcr.io/acme/{repo}", "acme/{repo}");
  const other = "ghcr.io/acme/other";
  assert.equal(accepts(derived, image, verified()).kind, "accepted");
  const answer = accepts(derived, other, verified());
  assert.equal(answer.kind === "refused" && answer.code, "source-repository");
});

test("R29 where the source's own repository holds the workflow, level 2 is the most", () => {
  const own = policyOf(`version: 1
trust:
  builders:
    - images: [${image}]
      level: 3
      github: { repository: acme/app, repository-id: 77, workflow: acme/app/.github/workflows/b.yml@refs/tags/* }
`);
  const buildSignerUri = "https://github.com/Acme/APP/.github/workflows/b.yml@refs/tags/v1";
  assert.deepEqual(levelOf(own, { extensions: { buildSignerUri } }), [2, 0]);
});

test("R29 a runner that isn't GitHub's is level 2 at most", () => {
  const any = granting("repository-id: 77,", "runner: any");
  assert.deepEqual(levelOf(any, { extensions: { runnerEnvironment: "self-hosted" } }), [2, 0]);
  assert.deepEqual(levelOf(any), [3, 0]);
});

test("R29 grants no more than policy says", () => {
  const policy = policyOf(`version: 1
trust:
  builders:
    - images: [${image}]
      level: 0
      github: { repository: acme/app, repository-id: 77, workflow: "${workflow}" }
`);
  assert.deepEqual(levelOf(policy), [0, 0]);
});

test("R10 compares under the configured server, and under no other", () => {
  const server = "http://127.0.0.1:4000";
  const policy = policyWith([`server: ${server}`, "issuer: https://token.actions.githubusercontent.com"]);
  const there = Object.fromEntries(
    Object.entries(extensions).map(([field, value]) => [field, value.replace("https://github.com", server)]),
  );
  assert.equal(outcome({ extensions: there }, policy), "accepted");
  assert.equal(outcome({}, policy), "source-repository");
  assert.equal(outcome({ extensions: there }), "source-repository");
});

test("R4 the issuer of a server of its own is that server's", () => {
  const policy = policyWith(["server: https://ghes.example"]);
  assert.equal(outcome({ issuer: "https://token.actions.githubusercontent.com" }, policy), "issuer");
  assert.equal(outcome({ issuer: "https://ghes.example/_services/token" }, policy), "source-repository");
});
