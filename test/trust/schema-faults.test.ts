import assert from "node:assert/strict";
import { test } from "node:test";
import { parsePolicy } from "../../src/trust/policy.ts";
import { PolicyError, type PolicyFault } from "../../src/trust/policy-fault.ts";

const DIGEST = `sha256:${"d".repeat(64)}`;

function faultsOf(text: string): readonly PolicyFault[] {
  try {
    parsePolicy(Buffer.from(text), "policy.yml");
    return [];
  } catch (error) {
    assert.ok(error instanceof PolicyError, String(error));
    return error.faults;
  }
}

/** `line:column path` of each. */
const placesOf = (text: string) => faultsOf(text).map(({ line, column, path }) => `${line}:${column} ${path}`.trim());
/** The one fault. */
function faultOf(text: string): PolicyFault {
  const [fault, ...others] = faultsOf(text);
  assert.ok(fault);
  assert.deepEqual(others, []);
  return fault;
}
const trust = (line: string) => `version: 1\ntrust:\n  ${line}\n`;

test("tells what stands at a fault, and everything that may", () => {
  const of = (line: string) => {
    const { found, accepted } = faultOf(trust(line));
    return { found, accepted };
  };
  const rules = ["attested", "pinned", "allow"];
  assert.deepEqual(of("roles: { tools: alow }"), { found: '"alow"', accepted: rules });
  assert.deepEqual(of("roles: []"), { found: "a list of 0", accepted: ["a map"] });
  assert.deepEqual(of("roots: {}"), { found: "a map", accepted: ["a list"] });
  assert.deepEqual(of("allow: { network: 1 }"), { found: "1", accepted: ["true or false"] });
  assert.deepEqual(of("platforms: []").accepted, ["a list of at least 1"]);
  assert.deepEqual(of("allow: { cache: }").found, "nothing");
  const level = (value: string) =>
    of(`builders: [{ images: [ghcr.io/a/b], level: ${value}, key: { pem: ${JSON.stringify(PEM)} } }]`);
  for (const value of ["high", "4", "-1"])
    assert.deepEqual(level(value).accepted, ["a whole number from 0 to 3"], value);
});

const PEM = `-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEGtEpV1v139+6Pc14UH90XQb2FKJZ
IRKFrz8RtqH35Xm0XRKylIE3Kun7LAGtL96oJHHttVe6xqIjrMqjM3mmlw==
-----END PUBLIC KEY-----
`;

test("tells an unknown key what is known there, and which one was likely meant or where it belongs", () => {
  const top = faultOf("version: 1\nbuild: []\n");
  assert.deepEqual([top.found, top.accepted], ["build", ["version", "enforce", "loosen", "builds", "trust"]]);
  assert.match(top.message, /`builds`/);
  assert.match(faultOf("version: 1\nroots: []\n").message, /belongs to trust\.roots\b/);
  assert.match(faultOf(trust("builder: []")).message, /`builders`/);
  assert.match(faultOf(trust("roles: { intpus: allow }")).message, /`inputs`/);
  for (const key of ["x", "entirely-else", "z".repeat(100_000)])
    assert.doesNotMatch(faultOf(`version: 1\n${key}: 1\n`).message, /did you mean|belongs/);
});

test("tells the word of a list of words that was likely meant", () => {
  assert.match(faultOf(trust("publishers: [chaingard]")).message, /did you mean chainguard/);
  assert.match(faultOf(trust("roles: { inputs: Pined }")).message, /did you mean pinned/);
  assert.doesNotMatch(faultOf(trust("roles: { inputs: yes }")).message, /did you mean/);
});

test("of several forms tells the faults of the one that was meant", () => {
  assert.deepEqual(placesOf(trust("revoked: [{ digest: bad, reason: '' }]")), [
    "3:23 trust.revoked[0].digest",
    "3:36 trust.revoked[0].reason",
  ]);
  assert.deepEqual(placesOf(trust("revoked: [{ reason: x }]")), ["3:13 trust.revoked[0]"]);
  assert.deepEqual(
    placesOf(trust("publishers: [{ github-actions: { owner: a, owner-id: x, images: ['ghcr.io/a/{repo}'] } }]")),
    ["3:56 trust.publishers[0].github-actions.owner-id"],
  );
});

test("finds what is wrong behind an unknown key, and in entries beside those that are wrong", () => {
  assert.deepEqual(
    placesOf(`version: 1
extra: 1
builds:
  - { image: "ghcr.io/acme/app:tag" }
  - { image: ghcr.io/acme/app }
  - { image: ghcr.io/acme/app }
trust:
  builders:
    - { images: [ghcr.io/acme/app], Level: 3 }
    - { images: [ghcr.io/acme/app], github: { repository: "acme/{repo}", workflow: a/b/.github/workflows/c.yml@refs/tags/v1 } }
  roots:
    - { image: debian, reason: x, expires: 2027-01-01 }
    - { image: "debian@${DIGEST}", reason: x, expires: 2027-01-01 }
    - { image: "debian@${DIGEST}", reason: x, expires: 2027-01-01 }
`),
    [
      "2:1 extra",
      "4:14 builds[0].image",
      "6:14 builds[2].image",
      "9:7 trust.builders[0]",
      "9:37 trust.builders[0].Level",
      "10:18 trust.builders[1].images[0]",
      "12:16 trust.roots[0].image",
      "14:16 trust.roots[2].image",
    ],
  );
});

test("names the other entry by its place in the file, though one before it is wrong", () => {
  const key = (log: string) => `{ images: [ghcr.io/a/b], key: { pem: ${JSON.stringify(PEM)}, log: ${log} } }`;
  const faults = faultsOf(trust(`builders: [{ images: 1 }, ${key("required")}, ${key("optional")}]`));
  assert.deepEqual(
    faults.map(({ path }) => path),
    ["trust.builders[0]", "trust.builders[0].images", "trust.builders[1].key.log", "trust.builders[2].key.log"].slice(
      1,
    ),
  );
  assert.match(faults.at(-1)?.message ?? "", /trust\.builders\[1\]\.key\.log$/);
});

test("tells what is ambiguous together with what is wrong, and neither twice", () => {
  assert.deepEqual(placesOf("version: 1\nversion: 1\ntrusted: {}\n"), ["2:1", "3:1 trusted"]);
  assert.deepEqual(placesOf(trust("roles: { inputs: 0x1 }")), ["3:20"]);
  // A value can be read, and isn't: whoever reviewed it may have read another.
  assert.deepEqual(placesOf("version: 1\ntrust: {}\ntrust: {}\n"), ["3:1"]);
});

test("says where each part of a policy stands, and nothing of what isn't written", () => {
  const policy = parsePolicy(
    Buffer.from(`version: 1
trust:
  roles: &r { inputs: allow }
  roots:
    - image: debian@${DIGEST}
      reason: x
      expires: 2027-01-01
`),
    "policy.yml",
  );
  const at = (path: string) => {
    const { line, column, text } = policy.lineOf(path) ?? {};
    return [line, column, text];
  };
  assert.deepEqual(at("trust.roots[0]"), [5, 7, `- image: debian@${DIGEST}`]);
  assert.deepEqual(at("trust.roots[0].reason"), [6, 7, "reason: x"]);
  assert.deepEqual(at("trust.roles.inputs"), [3, 15, "roles: &r { inputs: allow }"]);
  for (const path of ["trust.roots[1]", "trust.roles.tools", "builds[0].image", "trust.roots[0].image.x", "nothing"])
    assert.equal(policy.lineOf(path), undefined, path);
});

test("follows an alias to what it stands for", () => {
  const github = "{ repository: a/b, workflow: a/b/.github/workflows/c.yml@refs/tags/v1 }";
  const policy = parsePolicy(
    Buffer.from(
      trust(
        `builders:\n    - { images: [ghcr.io/a/b], github: &g ${github} }\n    - { images: [ghcr.io/a/c], github: *g }`,
      ),
    ),
    "policy.yml",
  );
  assert.equal(policy.lineOf("trust.builders[1].github.workflow")?.line, 4);
  assert.equal(policy.lineOf("trust.builders[1]")?.line, 5);
});
