import assert from "node:assert/strict";
import { test } from "node:test";
import { policyWarnings } from "../../src/trust/policy-warnings.ts";
import { policyOf } from "./verified.ts";

const now = new Date("2026-11-27T12:00:00Z");
const DIGEST = `sha256:${"d".repeat(64)}`;

/** `code path` of each warning of a policy. */
const of = (text: string) => policyWarnings(policyOf(text), now).map(({ code, path }) => `${code} ${path}`);
const github = (more = "") =>
  `github: { repository: acme/app, workflow: acme/b/.github/workflows/b.yml@refs/tags/v1${more} }`;
const builders = (...entries: readonly string[]) =>
  `version: 1\ntrust:\n  builders:\n${entries.map((entry) => `    - { ${entry} }\n`).join("")}`;
const root = (expires: string) =>
  `version: 1\ntrust:\n  roots: [{ image: "debian@${DIGEST}", reason: x, expires: ${expires} }]\n`;

test("R8 warns of a name without a number, and of none with one", () => {
  const images = "images: [ghcr.io/acme/app]";
  assert.deepEqual(of(builders(`${images}, ${github()}`)), ["no-ids trust.builders[0].github.repository"]);
  for (const id of ["owner-id: 1", "repository-id: 1"])
    assert.deepEqual(of(builders(`${images}, ${github(`, ${id}`)}`)), []);
  const source = "source: { repository: https://gitlab.com/acme/app }";
  const identity = `identity: { issuer: https://gitlab.com, name: "https://gitlab.com/acme/**@refs/tags/*", ${source} }`;
  assert.deepEqual(of(builders(`${images}, ${identity}`)), ["no-ids trust.builders[0].identity.source.repository"]);
});

test("R27 warns of a root that has lapsed or soon will, and of none with more than thirty days", () => {
  assert.deepEqual(of(root("2026-11-26")), ["root-expired trust.roots[0].expires"]);
  assert.deepEqual(of(root("2026-11-27")), ["root-expires trust.roots[0].expires"]);
  assert.deepEqual(of(root("2026-12-27")), ["root-expires trust.roots[0].expires"]);
  assert.deepEqual(of(root("2026-12-28")), []);
});

test("warns of an entry beside which another accepts the same and more", () => {
  const entry = (images: string, more = "", ids = ", owner-id: 1") => `images: [${images}], ${more}${github(ids)}`;
  const app = "ghcr.io/acme/app";
  const warned = ["no-effect trust.builders[1]"];
  assert.deepEqual(of(builders(entry(app), entry(app))), warned);
  assert.deepEqual(of(builders(entry(`${app}, ghcr.io/acme/b`), entry(app, "level: 1, "))), warned);
  assert.deepEqual(of(builders(entry("ghcr.io/acme/*"), entry(app))), warned);
  assert.deepEqual(of(builders(entry(app), entry("ghcr.io/acme/*"))), ["no-effect trust.builders[0]"]);
  const more: readonly string[] = ["level: 3, ", "builds: true, "];
  for (const each of more)
    assert.deepEqual(of(builders(entry(app), entry(app, each))), ["no-effect trust.builders[0]"]);
  assert.deepEqual(of(builders(entry(app, "level: 3, "), entry(app, "builds: true, "))), []);
  assert.deepEqual(of(builders(entry(app), entry("ghcr.io/acme/other"))), []);
  assert.deepEqual(of(builders(entry(app), entry(app, "", ", owner-id: 2"))), []);
  assert.deepEqual(of(builders(entry(app), entry(app, "", ", owner-id: 1, refs: [refs/heads/main]"))), []);
});

test("warns of a policy that accepts nothing, and of revocations that keep every summary out", () => {
  assert.deepEqual(of("version: 1\n"), ["accepts-nothing version"]);
  assert.deepEqual(of("version: 1\ntrust: {}\n"), ["accepts-nothing trust"]);
  const verifiers = (made: string) => `version: 1
trust:
  verifiers:
    - { id: https://v.example, identity: { issuer: https://i.example, name: a@b.example }, policy: "${DIGEST}", max-age: 1d, minimum: SLSA_BUILD_LEVEL_1 }
  revoked: [{ digest: "${DIGEST}", reason: x${made} }]
`;
  assert.deepEqual(of(verifiers("")), ["undated-revocation trust.revoked"]);
  assert.deepEqual(of(verifiers(", made: 2026-01-01")), []);
});
