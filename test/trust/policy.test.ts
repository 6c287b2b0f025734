import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf } from "../../src/image/digest.ts";
import { parsePolicy } from "../../src/trust/policy.ts";
import { PolicyError, type PolicyFault } from "../../src/trust/policy-fault.ts";
import { policyOf, policyWith, workflowOf } from "./verified.ts";

const DIGEST = `sha256:${"d".repeat(64)}`;
const COMMIT = "c".repeat(40);

/** The faults of a policy's text; none if it can be read. */
function faultsOf(text: string | Uint8Array): readonly PolicyFault[] {
  try {
    parsePolicy(typeof text === "string" ? new TextEncoder().encode(text) : text, "policy.yml");
    return [];
  } catch (error) {
    assert.ok(error instanceof PolicyError, String(error));
    assert.equal(error.code, "unreadable-policy");
    return error.faults;
  }
}

/** Where the faults are: `line:column path`. */
const places = (text: string | Uint8Array) =>
  faultsOf(text).map(({ line, column, path }) => `${line}:${column} ${path}`.trim());

/** A policy with one builder, whose lines can be given anew. */
const builder = (lines: Readonly<Record<string, string>> = {}, more: readonly string[] = []) => {
  const github: Readonly<Record<string, string>> = {
    repository: "acme/app",
    workflow: "acme/builder/.github/workflows/build.yml@refs/tags/v1",
    ...lines,
  };
  return [
    "version: 1",
    "trust:",
    "  builders:",
    `    - images: [${lines.images ?? "ghcr.io/acme/app"}]`,
    ...more.map((line) => `      ${line}`),
    "      github:",
    ...Object.entries(github)
      .filter(([name, value]) => name !== "images" && value !== "")
      .map(([name, value]) => `        ${name}: ${value}`),
    "",
  ].join("\n");
};
const trust = (...lines: readonly string[]) => `version: 1\ntrust:\n${lines.map((line) => `  ${line}\n`).join("")}`;
const root = (fields: Readonly<Record<string, string>> = {}) =>
  trust(
    "roots:",
    ...Object.entries({ image: `debian@${DIGEST}`, reason: "looked at", expires: "2027-03-01", ...fields }).map(
      ([name, value], i) => `  ${i === 0 ? "- " : "  "}${name}: ${value}`,
    ),
  );
const build = (...lines: readonly string[]) =>
  `version: 1\nbuilds:\n  - image: ghcr.io/acme/app\n${lines.map((line) => `    ${line}\n`).join("")}`;

/** Each text is refused, and the one beside it, which differs in one thing, is not. */
function refuses(wrong: Iterable<string>, right: string, write: (text: string) => string): void {
  assert.deepEqual(faultsOf(write(right)), [], right);
  let count = 0;
  for (const text of wrong) {
    assert.notDeepEqual(faultsOf(write(text)), [], text);
    count++;
  }
  assert.ok(count > 0);
}

test("R1 a policy has the digest of its bytes", () => {
  const bytes = new TextEncoder().encode("\ufeffversion: 1\r\n");
  assert.equal(parsePolicy(bytes, "x").digest, digestOf(bytes));
});

test("reads a policy with all of its parts", () => {
  const policy = policyOf(`version: 1
builds:
  - image: acme/app
    context: service
    target: final
    platforms: [linux/amd64, linux/arm64]
    build-args: { VERSION: "1.10", DEBUG: false, JOBS: 4 }
    contexts: { base: docker-image://debian }
    secrets: [npm]
    tags: ["v*"]
    image-tags: ["{version}", latest]
    workflow: release.yaml
trust:
  builders:
    - images: ["ghcr.io/acme/{repo}", "**/{repo}"]
      github:
        repository: acme/{repo}
        repository-id: 77
        owner-id: "1234"
        workflow: acme/builder/.github/workflows/{repo}-*.yml@refs/heads/main
        workflow-digest: ${COMMIT}
        runner: any
        events: [push]
        refs: [default-branch, refs/heads/release/*]
        server: https://ghes.example
      level: 3
      builds: true
  verifiers: []
  roots:
    - { image: "debian:12@${DIGEST}", reason: looked at, expires: 2027-03-01 }
  roles: { inputs: pinned, frontends: allow }
  platforms: [linux/amd64]
  revoked:
    - { digest: "${DIGEST}", reason: a }
    - { commit: ${COMMIT}, reason: b }
    - { identity: "https://github.com/Acme/**@**", from: 2026-05-01, until: "2026-05-02T10:00:00Z", reason: c }
`);
  const first = workflowOf(policy.builders[0]);
  assert.deepEqual(first.source, {
    kind: "repository",
    repository: "acme/{repo}",
    repositoryId: "77",
    ownerId: "1234",
  });
  assert.deepEqual([first.level, first.builds, first.runner, first.workflowDigest], [3, true, "any", COMMIT]);
  assert.deepEqual([first.defaultBranch, first.refs.map(({ pattern }) => pattern)], [true, ["refs/heads/release/*"]]);
  assert.deepEqual([first.server, first.issuer], ["https://ghes.example", "https://ghes.example/_services/token"]);
  assert.deepEqual(policy.roots[0]?.image, {
    registry: "docker.io",
    repository: "library/debian",
    tag: "12",
    digest: DIGEST,
  });
  assert.deepEqual(policy.roles, { input: "pinned", frontend: "allow", tool: "attested" });
  assert.deepEqual(policy.builds[0]?.image, "docker.io/acme/app");
  assert.deepEqual(policy.builds[0]?.buildArgs, { VERSION: "1.10", DEBUG: "false", JOBS: "4" });
  assert.deepEqual(policy.builds[0]?.imageTags, ["{version}", "latest"]);
  assert.equal(policy.builds[0]?.workflow, "release.yaml");
  const [, , revoked] = policy.revoked;
  assert.ok(revoked?.kind === "identity");
  assert.deepEqual(
    [revoked.from?.toISOString(), revoked.until?.toISOString()],
    ["2026-05-01T00:00:00.000Z", "2026-05-02T10:00:00.000Z"],
  );
});

test("accepts nothing and nobody unless told to, and judges all parents", () => {
  const policy = policyOf("version: 1\n");
  assert.deepEqual([policy.builders, policy.roots, policy.revoked, policy.builds], [[], [], [], []]);
  assert.deepEqual(policy.roles, { input: "attested", frontend: "attested", tool: "attested" });
});

test("R5 R6 a builder without more counts on GitHub's runners, for tags and deliberate events, at level 2, and builds nothing", () => {
  const only = workflowOf(policyOf(builder()).builders[0]);
  assert.deepEqual([only.runner, only.level, only.builds, only.defaultBranch], ["github-hosted", 2, false, false]);
  assert.deepEqual(only.events, ["push", "release", "workflow_dispatch"]);
  assert.deepEqual(
    only.refs.map(({ pattern }) => pattern),
    ["refs/tags/**"],
  );
  assert.equal(only.issuer, "https://token.actions.githubusercontent.com");
});

test("ids are numbers or texts, and the same", () => {
  for (const spelled of ["77", '"77"', "'77'"]) {
    const [only] = policyOf(builder({ "repository-id": spelled, "owner-id": spelled })).builders;
    assert.deepEqual(only?.source, { kind: "repository", repository: "acme/app", repositoryId: "77", ownerId: "77" });
  }
  refuses(
    [
      "0",
      "-1",
      "1.5",
      "077",
      '"077"',
      "0x4d",
      "0o115",
      "7_7",
      "7e1",
      "77.0",
      '"77 "',
      "99999999999999999999",
      "acme",
      "[77]",
    ],
    "77",
    (id) => builder({ "repository-id": id }),
  );
});

test("tells an unknown key with its place, wherever it stands", () => {
  assert.deepEqual(places("version: 1\nTrust: {}\n"), ["2:1 Trust"]);
  assert.deepEqual(places(builder({}, ["Level: 3"])), ["5:7 trust.builders[0].Level"]);
  assert.deepEqual(places(builder({ repo: "acme/app" })), ["8:9 trust.builders[0].github.repo"]);
  assert.deepEqual(places(root({ until: "2027-03-01" })), ["7:7 trust.roots[0].until"]);
  assert.deepEqual(places(build("args: {}")), ["4:5 builds[0].args"]);
  assert.deepEqual(places(trust("roles: { input: allow }")), ["3:12 trust.roles.input"]);
});

test("tells a wrong type, a missing key and a wrong version with their places", () => {
  assert.deepEqual(places("version: 2\n"), ["1:10 version"]);
  assert.deepEqual(places("trust: {}\n"), ["1:1 version"]);
  assert.deepEqual(places("version: 1\ntrust: []\n"), ["2:8 trust"]);
  assert.deepEqual(places("version: 1\ntrust:\n").length, 1);
  assert.deepEqual(places(builder({ images: "" })), ["4:15 trust.builders[0].images"]);
  assert.deepEqual(places(builder({ repository: "" })), ["6:9 trust.builders[0].github.repository"]);
  assert.deepEqual(places(builder({}, ["builds: yes"])), ["5:15 trust.builders[0].builds"]);
  assert.deepEqual(places(builder({}, ["level: 4"])), ["5:14 trust.builders[0].level"]);
  for (const text of ["", "\n", "# nothing\n", "null\n", "[]\n", "text\n", "1\n"])
    assert.equal(places(text).length, 1, text);
});

test("tells several faults at once, each at its own place", () => {
  assert.deepEqual(
    places(`version: 1
trust:
  builders:
    - images: [ghcr.io/acme/app]
      level: high
      github: { repository: "acme/*", workflow: acme/b/.github/workflows/b.yml@v1 }
  roots:
    - { image: debian, reason: "", expires: never }
  extra: 1
`),
    [
      "5:14 trust.builders[0].level",
      "6:29 trust.builders[0].github.repository",
      "6:49 trust.builders[0].github.workflow",
      "8:16 trust.roots[0].image",
      "8:32 trust.roots[0].reason",
      "8:45 trust.roots[0].expires",
      "9:3 trust.extra",
    ],
  );
});

test("tells the first hundred faults, and how many more there are", () => {
  const many = Array.from({ length: 20_000 }, (_, i) => `key${i}: 1\n`).join("");
  const faults = faultsOf(`version: 1\n${many}`);
  assert.equal(faults.length, 101);
  assert.match(faults[100]?.message ?? "", /19900/);
  assert.equal(faultsOf(`version: 1\n${"key: 1\n".repeat(20_000)}`).length, 101);
});

test("refuses a key that stands twice, in any spelling", () => {
  assert.deepEqual(places("version: 1\nversion: 1\n"), ["2:1"]);
  assert.deepEqual(places('version: 1\n"version": 1\n'), ["2:1"]);
  assert.deepEqual(places("version: 1\ntrust: { roles: { inputs: attested, inputs: allow } }\n"), ["2:37"]);
  assert.deepEqual(places("version: 1\n? &k version\n: 1\n*k : 1\n").length, 2);
  assert.deepEqual(places(build("build-args: { a: &k b, *k : c }")).length, 1);
  assert.deepEqual(places(build('build-args: { 1: a, "1": b }')), ["4:19"]);
  assert.deepEqual(places(build("build-args: { __proto__: b }")), ["4:19"]);
  assert.deepEqual(places(build("build-args: { a: b, A: b }")), [], "arguments have a case");
});

test("refuses what isn't YAML with line and column", () => {
  assert.deepEqual(places("version: 1\ntrust: [\n").slice(0, 1), ["3:1"]);
  assert.deepEqual(places("version: 1\ntrust:\n\troles: {}\n").length > 0, true);
  assert.deepEqual(places('version: 1\ntrust: "\n').length > 0, true);
  assert.deepEqual(places("version: 1\n---\nversion: 1\n"), ["2:1"]);
  assert.deepEqual(places("version: !number 1\n"), ["1:10"]);
});

test("refuses the directive of another YAML, in which yes is true and 010 is eight", () => {
  assert.deepEqual(places("%YAML 1.1\n---\nversion: 1\n"), ["1:1"]);
  assert.deepEqual(places("%YAML 1.2\n---\nversion: 1\n"), []);
});

test("reads byte order mark and carriage returns, and counts lines and columns all the same", () => {
  assert.deepEqual(places("\ufeffversion: 1\r\ntrust:\r\n  rolls: {}\r\n"), ["3:3 trust.rolls"]);
  assert.deepEqual(places("\ufeffversion: 1\r\ntrust:\r\n  roles: {}\r\n"), []);
});

test("refuses what isn't UTF-8", () => {
  assert.deepEqual(places(Uint8Array.from([...Buffer.from("version: 1\n#"), 0xff])), ["1:1"]);
  assert.deepEqual(places(new Uint8Array(Buffer.from("\ufeffversion: 1\n", "utf16le"))), ["1:1"]);
  assert.deepEqual(places(Buffer.from("version: 1\n# ß\n", "latin1")), ["1:1"]);
});

test("refuses a policy beyond 256 KiB, and reads one of that size", () => {
  const filled = (size: number) => `version: 1\n#${"x".repeat(size - 12)}`;
  assert.deepEqual(places(filled(256 * 1024)), []);
  assert.deepEqual(places(filled(256 * 1024 + 1)), ["1:1"]);
});

test("follows an alias, and refuses one that leads nowhere or too many", () => {
  const [first, second] = policyOf(`version: 1
trust:
  builders:
    - { images: [ghcr.io/acme/a], github: &it { repository: acme/a, workflow: acme/b/.github/workflows/b.yml@refs/tags/v1 } }
    - { images: [ghcr.io/acme/b], github: *it }
`).builders;
  assert.deepEqual(second?.source, first?.source);
  assert.deepEqual(places("version: 1\ntrust: *it\n"), ["2:8"]);
  const aliases = (count: number) => build("target: &t x", `secrets: [${Array(count).fill("*t").join(", ")}]`);
  assert.deepEqual(places(aliases(100)), []);
  assert.deepEqual(places(aliases(101)), ["1:1"]);
});

test("refuses aliases of aliases that grow beyond measure", () => {
  const lines = Array.from({ length: 10 }, (_, i) => `a${i + 1}: &a${i + 1} [${Array(9).fill(`*a${i}`).join(", ")}]`);
  const laughs = `version: 1\na0: &a0 [x, x, x, x, x, x, x, x, x]\n${lines.join("\n")}\n`;
  assert.deepEqual(places(laughs), ["1:1"]);
});

test("refuses nesting without a bottom", () => {
  for (const open of ["[", "{a: ", "- "])
    assert.notEqual(places(`version: 1\ntrust: ${open.repeat(20_000)}`).length, 0, open);
});

test("refuses a number or truth value that isn't read as it is spelled", () => {
  refuses(["1.10", "0x1f", "1e3", "007", "0o17", "+1", ".5", "12345678901234567890", "True", ".inf"], "1.1", (value) =>
    build(`build-args: { VERSION: ${value} }`),
  );
  assert.deepEqual(policyOf(build("build-args: { A: yes, B: 1.10.0, C: '1.10' }")).builds[0]?.buildArgs, {
    A: "yes",
    B: "1.10.0",
    C: "1.10",
  });
});

test("R4 refuses a wildcard source", () => {
  refuses(
    [
      "acme/*",
      '"*/app"',
      '"**"',
      "acme/app*",
      "acme",
      "acme/app/x",
      "https://github.com/acme/app",
      "acme/app@v1",
      "/app",
      "acme/",
    ],
    "acme/app",
    (repository) => builder({ repository }),
  );
});

test("R4 refuses a captured source or workflow that the image's name doesn't give", () => {
  const named = { images: '"ghcr.io/acme/{repo}"' };
  assert.deepEqual(faultsOf(builder({ ...named, repository: '"acme/{repo}"' })), []);
  assert.deepEqual(places(builder({ repository: '"acme/{repo}"' })), ["4:16 trust.builders[0].images[0]"]);
  assert.deepEqual(places(builder({ ...named, repository: '"{owner}/{repo}"' })), ["4:16 trust.builders[0].images[0]"]);
  assert.deepEqual(
    places(builder({ images: '"ghcr.io/acme/{repo}", ghcr.io/acme/app', repository: '"acme/{repo}"' })),
    ["4:39 trust.builders[0].images[1]"],
  );
  assert.deepEqual(places(builder({ workflow: '"acme/b/.github/workflows/{repo}.yml@refs/tags/v1"' })), [
    "4:16 trust.builders[0].images[0]",
  ]);
});

test("refuses a name of an image that could match nothing", () => {
  refuses(
    [
      "alpine",
      "acme/app",
      "docker.io/alpine",
      "index.docker.io/acme/app",
      "ghcr.io/acme/app:1",
      `ghcr.io/acme/app@${DIGEST}`,
      "ghcr.io/Acme/app",
      '""',
    ],
    "docker.io/library/alpine",
    (images) => builder({ images: `"${images.replaceAll('"', "")}"` }),
  );
});

test("R7 refuses a workflow that isn't spelled out", () => {
  const file = "acme/b/.github/workflows/b.yml";
  refuses(
    [
      file,
      `${file}@v1`,
      `${file}@main`,
      `${file}@refs/tags/`,
      `${file}@refs/pull/1/merge`,
      `${file}@refs/*`,
      `${file}@**`,
      `${file}@refs/tags/v1@x`,
      `${file}@${COMMIT.slice(1)}`,
      `${file}@${COMMIT.toUpperCase()}`,
      `${file}@${COMMIT.slice(1)}*`,
      "acme/b@refs/tags/v1",
      "acme/b/**@refs/tags/v1",
      "acme/b/.github/workflows@refs/tags/v1",
      "acme/b/.github/workflows/x/b.yml@refs/tags/v1",
      "acme/b/.github/actions/b.yml@refs/tags/v1",
      "*/b/.github/workflows/b.yml@refs/tags/v1",
      "ac*/b/.github/workflows/b.yml@refs/tags/v1",
      "acme/*/.github/workflows/b.yml@refs/tags/v1",
      "acme/**/.github/workflows/b.yml@refs/tags/v1",
      "**@refs/tags/v1",
      "/b/.github/workflows/b.yml@refs/tags/v1",
      "https://github.com/acme/b/.github/workflows/b.yml@refs/tags/v1",
    ],
    `${file}@refs/tags/v*`,
    (workflow) => builder({ workflow: `"${workflow}"` }),
  );
  assert.deepEqual(faultsOf(builder({ workflow: `${file}@${COMMIT}` })), []);
  assert.deepEqual(faultsOf(builder({ workflow: `${file}@refs/heads/main` })), []);
});

test("R6 refuses events that run code of strangers, whatever policy says", () => {
  refuses(
    [
      "pull_request",
      "pull_request_target",
      "pull_request_review",
      "pull_request_review_comment",
      "workflow_run",
      "issue_comment",
      "Push",
      '"*"',
      '""',
    ],
    "schedule",
    (event) => builder({ events: `[push, ${event}]` }),
  );
  assert.notDeepEqual(faultsOf(builder({ events: "[]" })), []);
});

test("R5 refuses a ref that is neither tag nor branch", () => {
  refuses(
    ["main", "refs/tags/", "refs/pull/1/merge", "refs/**", "**", "tags/v1", "default", "Default-Branch"],
    "refs/heads/main",
    (ref) => builder({ refs: `["${ref}"]` }),
  );
  assert.notDeepEqual(faultsOf(builder({ refs: "[]" })), []);
});

test("R7 refuses a digest of a workflow that is no whole commit", () => {
  refuses(["v1", COMMIT.slice(1), COMMIT.toUpperCase(), `sha1:${COMMIT}`, '""'], COMMIT, (digest) =>
    builder({ "workflow-digest": digest }),
  );
});

test("R10 refuses a server that certificates couldn't name", () => {
  refuses(
    [
      "github.com",
      "https://ghes.example/",
      "https://ghes.example/path",
      "https://GHES.example",
      "https://user@ghes.example",
      "https://*.example",
      "https://ghes.example?x",
      "ftp://ghes.example",
      "https://",
    ],
    "https://ghes.example:8443",
    (server) => builder({ server: `"${server}"` }),
  );
});

test("refuses a pattern that can't be compiled, wherever one stands", () => {
  for (const pattern of ["a***", "{}", "{A}", "{a", "a}", "{a}{b}", "{a}*", "{a}/{a}", "x".repeat(513)]) {
    assert.notDeepEqual(faultsOf(builder({ images: `"ghcr.io/${pattern}"` })), [], pattern);
    assert.notDeepEqual(faultsOf(builder({ refs: `["refs/tags/${pattern}"]` })), [], pattern);
    assert.notDeepEqual(faultsOf(build(`tags: ["${pattern}"]`)), [], pattern);
  }
});

test("refuses unknown runners, levels and roles", () => {
  refuses(["github", '"*"', "GitHub-hosted", "[github-hosted]"], "self-hosted", (runner) => builder({ runner }));
  refuses(["-1", "4", "1.5", '"3"', "high"], "3", (level) => builder({}, [`level: ${level}`]));
  refuses(["none", "Allow", "true"], "allow", (role) => trust(`roles: { tools: ${role} }`));
});

test("R27 refuses a root without digest, reason or day", () => {
  refuses(
    ["debian", "debian:12", "debian@sha256:12", `debian@${DIGEST.toUpperCase()}`, DIGEST, `Debian@${DIGEST}`],
    `debian@${DIGEST}`,
    (image) => root({ image: `"${image}"` }),
  );
  refuses(
    [
      "2027-02-29",
      "2027-13-01",
      "2027-00-10",
      "2027-3-1",
      "27-03-01",
      "2027-03-01T00:00:00Z",
      "never",
      "2027",
      "2027-03",
      '""',
    ],
    "2028-02-29",
    (expires) => root({ expires }),
  );
  refuses(['""', '"  "', "1", "null", "[]"], "looked at", (reason) => root({ reason }));
  for (const missing of ["reason", "expires"]) {
    const text = root()
      .split("\n")
      .filter((line) => !line.includes(`${missing}:`))
      .join("\n");
    assert.deepEqual(places(text), [`4:7 trust.roots[0].${missing}`]);
  }
});

test("refuses a second entry for one root or one image, which would never be looked at", () => {
  const roots = (second: string) =>
    `${root()}    - { image: "mirror.example/debian@${second}", reason: b, expires: 2027-03-01 }\n`;
  assert.deepEqual(places(roots(DIGEST)), ["7:16 trust.roots[1].image"]);
  assert.deepEqual(places(roots(DIGEST.replaceAll("d", "e"))), []);
  const builds = (second: string) => `version: 1\nbuilds:\n  - image: docker.io/acme/app\n  - image: ${second}\n`;
  assert.deepEqual(places(builds("acme/app")), ["4:12 builds[1].image"]);
  assert.deepEqual(places(builds("acme/other")), []);
});

test("R12 refuses a revocation that would revoke nothing, or doesn't say why", () => {
  const revoked = (entry: string) => trust(`revoked: [{ ${entry} }]`);
  refuses(
    [
      'identity: "https://github.com/acme/**", reason: x',
      'identity: "**", reason: x',
      'identity: "a@b", from: 2026-05-02, until: 2026-05-01, reason: x',
      'identity: "a@b", from: "2026-05-01T10:00:00Z", until: "2026-05-01T09:00:00Z", reason: x',
      'identity: "a@b", from: yesterday, reason: x',
      'identity: "a@b", from: 2026-02-30, reason: x',
      'identity: "a@b", from: "2026-02-28T25:00:00Z", reason: x',
      'identity: "a@b", from: "2026-02-28T10:00:00+02:00", reason: x',
      'identity: "a@b", since: 2026-02-28, reason: x',
      'identity: "a@b"',
      `digest: "${DIGEST.slice(0, -1)}", reason: x`,
      `digest: "${DIGEST.toUpperCase()}", reason: x`,
      `digest: "${DIGEST}", from: 2026-05-01, reason: x`,
      `commit: ${COMMIT.slice(1)}, reason: x`,
      `commit: ${COMMIT}, reason: ""`,
      `digest: "${DIGEST}", commit: ${COMMIT}, reason: x`,
      "reason: x",
    ],
    'identity: "a@b", from: "2026-05-01T10:00:00Z", until: 2026-05-01, reason: x',
    revoked,
  );
  assert.deepEqual(places(revoked('identity: "https://github.com/acme/**", reason: x')), [
    "3:25 trust.revoked[0].identity",
  ]);
});

test("refuses an image with a tag or digest among builds, and platforms that are none", () => {
  refuses(
    ["acme/app:1", `acme/app@${DIGEST}`, "Acme/App", "https://ghcr.io/acme/app"],
    "acme/app",
    (image) => `version: 1\nbuilds: [{ image: "${image}" }]\n`,
  );
  refuses(["linux", "arm64", "linux/amd64/v1/x", '""'], "linux/arm/v7", (platform) =>
    build(`platforms: [${platform}]`),
  );
  refuses(["linux", "arm64"], "linux/arm64", (platform) => trust(`platforms: [${platform}]`));
});

test("R26 an image's tag is the git tag, built by trusted-builds.yml, where policy says nothing of either", () => {
  const [only] = policyOf(build()).builds;
  assert.deepEqual([only?.imageTags, only?.workflow], [["{tag}"], "trusted-builds.yml"]);
});

test("R26 refuses what can be no image's tag, with its place", () => {
  refuses(
    [
      "{tag",
      "tag}-{tag}",
      "{other}",
      "{Tag}",
      "{tag }",
      "{{tag}}",
      "{tag}$",
      "{tag}/x",
      "{tag}+x",
      ":{tag}",
      "-{tag}",
      ".{tag}",
      "{tag} ",
      "",
      `${"a".repeat(128)}{tag}`,
    ],
    `${"a".repeat(120)}_-.{tag}`,
    (template) => build(`image-tags: ["${template}"]`),
  );
  assert.deepEqual(places(build('image-tags: ["{tag}", latest, "{tag"]')), ["4:35 builds[0].image-tags[2]"]);
  assert.deepEqual(places(build("image-tags:", '  - "{tag}"', '  - "{tag}"', "  - -{tag}")), [
    "7:9 builds[0].image-tags[2]",
  ]);
});

test("R26 refuses templates of which the first names no build, with the list's place", () => {
  refuses(['latest, "{tag}"', "latest", '"1.0", "{version}"', ""], '"{version}", latest', (templates) =>
    build(`image-tags: [${templates}]`),
  );
  assert.deepEqual(places(build('image-tags: [latest, "{tag}"]')), ["4:17 builds[0].image-tags"]);
  assert.deepEqual(places(build("image-tags: []")), ["4:17 builds[0].image-tags"]);
  assert.deepEqual(places(build('image-tags: "{tag}"')), ["4:17 builds[0].image-tags"]);
  assert.deepEqual(places(build("image-tags: [null]")), ["4:18 builds[0].image-tags[0]"]);
});

test("refuses a workflow of builds that isn't a file's bare name, with its place", () => {
  refuses(
    [
      ".github/workflows/release.yml",
      "../release.yml",
      "sub/release.yml",
      "release",
      "release.json",
      "release.yml@main",
      "release.yml ",
      "release.yml\\n",
      ".yml",
      "-x.yml",
      "r*.yml",
      "release.yml?ref=x",
      "",
    ],
    "Release_2.x-y.yml",
    (file) => build(`workflow: "${file}"`),
  );
  assert.deepEqual(places(build("workflow: release.yaml")), []);
  assert.deepEqual(places(build("tags: [v1]", "workflow: ../x.yml")), ["5:15 builds[0].workflow"]);
});

test("refuses parts of the language that this version doesn't hold, rather than skip them", () => {
  const parts = ["publishers:", "enforce: report"];
  for (const part of parts) assert.equal(places(trust(part)).length, 1, part);
});

test("R35 takes which faults fail a check, strict where it is left out, and no other word", () => {
  const enforced = (line: string) => policyOf(`version: 1\n${line}`).enforce;
  assert.equal(enforced(""), "strict");
  for (const mode of ["report", "ratchet", "strict"]) assert.equal(enforced(`enforce: ${mode}`), mode);
  for (const word of ["none", "Report", "[report]", "false"])
    assert.deepEqual(places(`version: 1\nenforce: ${word}\n`), ["2:10 enforce"], word);
});

test("R20 takes what may go in beside images, each by its own word, and only what anyone may read from what is left out", () => {
  const allowedBy = (line: string) => policyOf(trust(line)).allow;
  const strict = {
    network: true,
    localContext: false,
    httpWithoutChecksum: [],
    cache: true,
    privileged: true,
    layouts: [],
  };
  for (const nothing of ["roots: []", "allow: {}", "allow: { http-without-checksum: [], layouts: [] }"])
    assert.deepEqual(allowedBy(nothing), strict, nothing);
  const given = allowedBy(
    `allow: { network: false, local-context: true, http-without-checksum: ["https://a.example/x/**"], cache: false, privileged: false, layouts: ["sha256:${"0".repeat(64)}"] }`,
  );
  assert.deepEqual(
    { ...given, httpWithoutChecksum: given.httpWithoutChecksum.map(({ pattern }) => pattern) },
    {
      network: false,
      localContext: true,
      httpWithoutChecksum: ["https://a.example/x/**"],
      cache: false,
      privileged: false,
      layouts: [`sha256:${"0".repeat(64)}`],
    },
  );
});

test("R20 refuses patterns of addresses whose host could be anybody's, and what is no digest", () => {
  const at = (line: string) => places(trust(`allow: { ${line} }`));
  for (const address of [
    "https://*.example/x",
    "https://**",
    "https://a.example",
    "https://a.example/",
    "https://a.example*/x",
    "https://A.example/x",
    "https://me@a.example/x",
    "ftp://a.example/x",
    "**",
    "a.example/x",
  ])
    assert.equal(at(`http-without-checksum: ["${address}"]`).length, 1, address);
  assert.equal(at("layouts: [base]").length, 1);
  assert.equal(at("network: maybe").length, 1);
  assert.equal(at("locals: true").length, 1);
  assert.deepEqual(at('http-without-checksum: ["http://a.example:8080/*"]'), []);
});

test("the default's own form, a whole owner, isn't offered to policy files", () => {
  const text = `version: 1
trust:
  builders:
    - images: ["ghcr.io/{owner}/**"]
      github: { owner: "{owner}" }
`;
  assert.notDeepEqual(faultsOf(text), []);
});

test("the message of a fault begins with file, line and column", () => {
  assert.throws(
    () => policyOf("version: 1\ntrusted: {}\n"),
    (error) => error instanceof PolicyError && error.message.startsWith("policy.yml:2:1: trusted: "),
  );
});

test("R10 takes the issuer that belongs to the server, and another only if it is named", () => {
  const issuerFor = (...lines: readonly string[]) => workflowOf(policyWith(lines).builders[0]).issuer;
  assert.equal(issuerFor(), "https://token.actions.githubusercontent.com");
  assert.equal(issuerFor("server: https://acme.ghe.com"), "https://token.actions.acme.ghe.com");
  assert.equal(issuerFor("server: https://git.acme.example"), "https://git.acme.example/_services/token");
  assert.equal(issuerFor("server: https://ghe.com.acme.example"), "https://ghe.com.acme.example/_services/token");
  assert.equal(issuerFor("server: https://acme.ghe.com", "issuer: https://other.example"), "https://other.example");
});

test("R10 a server that is left out is the one where the policy is read, and the file's own wins", () => {
  const at = (server: string | undefined, ...lines: readonly string[]) => {
    const text = builder(Object.fromEntries(lines.map((line) => line.split(/: (.*)/s) as [string, string])));
    const surroundings = server === undefined ? [] : [{ server }];
    const policy = parsePolicy(new TextEncoder().encode(text), "policy.yml", ...surroundings);
    const only = workflowOf(policy.builders[0]);
    return [only.server, only.issuer];
  };
  const ghes = "https://git.acme.example";
  const loopback = "http://127.0.0.1:4711";
  const own = ["https://github.com", "https://token.actions.githubusercontent.com"];
  assert.deepEqual(at(undefined), own);
  assert.deepEqual(at("https://github.com"), own);
  assert.deepEqual(at(ghes), [ghes, `${ghes}/_services/token`]);
  assert.deepEqual(at(loopback), [loopback, `${loopback}/_services/token`]);
  assert.deepEqual(at("https://acme.ghe.com"), ["https://acme.ghe.com", "https://token.actions.acme.ghe.com"]);
  assert.deepEqual(at(ghes, "server: https://github.com"), own);
  assert.deepEqual(at(undefined, `server: ${ghes}`), [ghes, `${ghes}/_services/token`]);
  assert.deepEqual(at(ghes, "issuer: https://other.example"), [ghes, "https://other.example"]);
});
