import assert from "node:assert/strict";
import { test } from "node:test";
import { PolicyError } from "../../src/trust/policy-fault.ts";
import { writeIds } from "../../src/trust/policy-ids.ts";
import { CouldNotLook, type RepositoryNumbers } from "../../src/trust/ports.ts";

const DIGEST = `sha256:${"d".repeat(64)}`;
const workflow = "workflow: acme/b/.github/workflows/b.yml@refs/tags/v1";

/** GitHub in memory: acme (7) has app (42), which also answers to old; who asks for anything else can't look. */
function numbers(): RepositoryNumbers & { readonly asked: readonly string[] } {
  const asked: string[] = [];
  const look = <T>(key: string, known: Readonly<Record<string, T>>): T => {
    asked.push(key);
    const found = known[key];
    if (found === undefined) throw new CouldNotLook("not-found-unproven", `${key} isn't to be seen`);
    return found;
  };
  const app = { fullName: "acme/app", id: 42, ownerId: 7 };
  return {
    asked,
    readRepository: async (server, owner, name) =>
      look(`${server}/${owner}/${name}`, {
        "https://github.com/acme/app": app,
        "https://github.com/acme/old": app,
        "https://github.com/ACME/App": app,
        // As GitHub never would.
        "https://github.com/ac\u212Ae/app": { ...app, fullName: "acke/app" },
        "https://github.example/acme/app": { ...app, id: 4200, ownerId: 700 },
      }),
    readAccount: async (server, name) =>
      look(`${server}/${name}`, { "https://github.com/acme": { login: "acme", id: 7 } }),
  };
}

async function write(text: string) {
  const { bytes, written, unseen, warnings } = await writeIds(Buffer.from(text), "policy.yml", numbers());
  return {
    text: Buffer.from(bytes).toString(),
    written: written.map(({ path, value }) => `${path} ${value}`),
    told: [...warnings, ...unseen].map(({ code, path }) => `${code} ${path}`),
  };
}

const policy = (...githubs: readonly string[]) =>
  `version: 1\ntrust:\n  builders:\n${githubs
    .map((github) => `    - { images: ["ghcr.io/acme/{repo}"], github: { ${github}, ${workflow} } }\n`)
    .join("")}`;
const at = (i = 0, key = "repository") => `trust.builders[${i}].github.${key}`;

test("R8 writes the numbers that a policy lacks behind the names, and every other byte stays", async () => {
  const before = `# Whose word counts.
version:   1   # one

trust:
    builders:
      # the app
      - images: [ 'ghcr.io/acme/app' ]   # its image
        github:
            repository:  "acme/app"  # why it is trusted

            # the builder
            ${workflow}
            refs: [ refs/tags/** ]
      -   github:
            owner-id:  7   # known
            ${workflow}
            repository: ACME/App
          images:
          - ghcr.io/acme/app
      - { images: ["ghcr.io/acme/{repo}"], github: { repository: 'acme/{repo}' , ${workflow} } }   # all
    verifiers:
      - id: https://v.example
        identity: { issuer: https://token.actions.githubusercontent.com, source: https://github.com/acme/app,
                    name: "https://github.com/acme/app/.github/workflows/*@refs/tags/*" }
        policy: ${DIGEST}
        max-age:   1d
        minimum: SLSA_BUILD_LEVEL_2

`;
  const after = before
    .replace(
      '"acme/app"  # why it is trusted\n',
      '"acme/app"  # why it is trusted\n            repository-id: 42\n            owner-id: 7\n',
    )
    .replace("ACME/App\n", "ACME/App\n            repository-id: 42\n")
    .replace("'acme/{repo}'", "'acme/{repo}', owner-id: 7")
    .replace("https://github.com/acme/app,", "https://github.com/acme/app, repository-id: 42, owner-id: 7,");
  const { text, written, told } = await write(before);
  assert.equal(text, after);
  assert.deepEqual(written, [
    `${at(0, "repository-id")} 42`,
    `${at(0, "owner-id")} 7`,
    `${at(1, "repository-id")} 42`,
    `${at(2, "owner-id")} 7`,
    "trust.verifiers[0].identity.repository-id 42",
    "trust.verifiers[0].identity.owner-id 7",
  ]);
  assert.deepEqual(told, []);
  const again = await write(after);
  assert.deepEqual([again.text, again.written, again.told], [after, [], []]);
});

test("R8 line ends, a byte order mark, a missing last line end, JSON, and anchors stay what they are", async () => {
  const block = `\uFEFFversion: 1\r\ntrust:\r\n  builders:\r\n  - images: [ghcr.io/acme/app]\r\n    github:\r\n      ${workflow}\r\n      repository: acme/app`;
  assert.equal((await write(block)).text, `${block}\r\n      repository-id: 42\r\n      owner-id: 7`);
  const json = JSON.stringify({
    version: 1,
    trust: {
      builders: [
        {
          images: ["ghcr.io/acme/app"],
          github: { repository: "acme/app", workflow: "acme/b/.github/workflows/b.yml@refs/tags/v1" },
        },
      ],
    },
  });
  const { github } = JSON.parse((await write(json)).text).trust.builders[0];
  assert.deepEqual([github["repository-id"], github["owner-id"]], [42, 7]);
  const shared = `version: 1\ntrust:\n  builders:\n    - images: [ghcr.io/acme/a]\n      github: &g\n        repository: &r acme/app\n        ${workflow}\n    - { images: [ghcr.io/acme/b], github: *g }\n    - { images: [ghcr.io/acme/c], github: { repository: *r, ${workflow} } }\n`;
  const { text, written } = await write(shared);
  assert.equal(
    text,
    shared
      .replace("&r acme/app\n", "&r acme/app\n        repository-id: 42\n        owner-id: 7\n")
      .replace("*r,", "*r, repository-id: 42, owner-id: 7,"),
  );
  assert.equal(written.length, 6);
});

test("R8 what can't be added to as it is spelled is told, and stays; the rest is written", async () => {
  const odd = `version: 1\ntrust:\n  builders:\n    - images: [ghcr.io/acme/a]\n      github:\n        ? repository\n        : acme/app\n        ? workflow\n        : ${workflow.slice(10)}\n`;
  const more = `    - { images: [ghcr.io/acme/b], github: { repository: acme/app, ${workflow} } }\n`;
  const { text, written, told } = await write(odd + more);
  assert.equal(text, odd + more.replace("acme/app,", "acme/app, repository-id: 42, owner-id: 7,"));
  assert.deepEqual([written.length, told], [2, [`ids-not-written ${at()}`]]);
});

test("R8 a number that is there and isn't GitHub's is told and left, and no other is written beside it", async () => {
  for (const ids of ["repository-id: 43", "owner-id: 8", "repository-id: 42, owner-id: 8"]) {
    const before = policy(`repository: acme/app, ${ids}`);
    const { text, told } = await write(before);
    assert.deepEqual([text, told], [before, [`id-differs ${at()}`]], ids);
  }
  const owner = policy('repository: "acme/{repo}", owner-id: 8');
  assert.deepEqual((await write(owner)).told, [`id-differs ${at()}`]);
});

test("R8 a name for which GitHub answers with another gets no number, be it one that only looks alike", async () => {
  for (const name of ["acme/old", "ac\u212Ae/app"]) {
    const before = policy(`repository: ${name}`);
    const { text, told } = await write(before);
    assert.deepEqual([text, told], [before, [`renamed ${at()}`]], name);
  }
});

test("R8 what can't be looked at is told and left, and the rest is written", async () => {
  const { text, told } = await write(policy("repository: acme/hidden", "repository: acme/app"));
  assert.equal(text, policy("repository: acme/hidden", "repository: acme/app, repository-id: 42, owner-id: 7"));
  assert.deepEqual(told, [`not-found-unproven ${at()}`]);
});

test("R10 numbers are those of the server that the entry names", async () => {
  const server = "server: https://github.example";
  const { text } = await write(policy(`repository: acme/app, ${server}`));
  assert.equal(text, policy(`repository: acme/app, repository-id: 4200, owner-id: 700, ${server}`));
});

test("R8 names that the image fills in, and sources of other issuers, get no number of GitHub's", async () => {
  const identity = `{ issuer: https://ci.example, name: "https://github.com/acme/**@refs/tags/*", source: { repository: https://github.com/acme/app } }`;
  const text = `version: 1\ntrust:\n  builders:\n    - { images: ["ghcr.io/{owner}/app"], github: { repository: "{owner}/app", ${workflow} } }\n    - { images: [ghcr.io/acme/app], identity: ${identity} }\n`;
  const verifier = `id: https://v.example, policy: "${DIGEST}", max-age: 1d, minimum: SLSA_BUILD_LEVEL_2, identity: { issuer: https://ci.example, name: "https://github.com/acme/app/*", source: https://github.com/acme/app }`;
  const whole = `${text}  verifiers:\n    - { ${verifier} }\n`;
  const asking = numbers();
  const { bytes, written } = await writeIds(Buffer.from(whole), "policy.yml", asking);
  assert.deepEqual([Buffer.from(bytes).toString(), written, asking.asked], [whole, [], []]);
});

test("a policy that can't be used is asked nothing about", async () => {
  const uncaptured = policy('repository: "acme/{name}"', "repository: acme/app");
  for (const text of [`${policy("repository: acme/app")}unknown: 1\n`, uncaptured]) {
    const asking = numbers();
    await assert.rejects(writeIds(Buffer.from(text), "policy.yml", asking), PolicyError);
    assert.deepEqual(asking.asked, []);
  }
});
