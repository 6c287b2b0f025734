import assert from "node:assert/strict";
import { test } from "node:test";
import { parsePolicy } from "../../src/trust/policy.ts";
import { PolicyError } from "../../src/trust/policy-fault.ts";
import { keyPaths } from "../../src/trust/policy-json-schema.ts";
import { loosenedFor } from "../../src/trust/policy-loosening.ts";
import { told, World } from "./world.ts";

const parse = (text: string, name: string) => parsePolicy(Buffer.from(text), name);
const builder =
  '{ images: ["ghcr.io/acme/{repo}"], github: { repository: "acme/{repo}", owner-id: 1234, workflow: "acme/builder/.github/workflows/build.yml@refs/tags/v*" }, level: 3, builds: true }';
const organisationText = (loosen: string, trust = "") =>
  `version: 1\nloosen: [${loosen}]\ntrust:\n  builders: [${builder}]\n${trust}`;
const organisation = (loosen: string, trust = "") => parse(organisationText(loosen, trust), "organisation");
const repository = (trust: string) => parse(`version: 1\ntrust:\n${trust}`, "acme/app");

/** An app on a base that nobody signed. */
function unsigned() {
  const world = new World();
  const base = world.build("base", { signed: "nothing" });
  const root = `{ image: "ghcr.io/acme/base@${base.image.digest}", reason: x, expires: 2099-01-01 }`;
  return { world, image: world.build("app", { base }).image, root, digest: base.image.digest };
}

test("R2 a repository's roots end the walk for the organisation where it lists trust.roots, and nowhere else", async () => {
  const { world, image, root } = unsigned();
  const own = repository(`  builders: [${builder}]\n  roots: [${root}]\n`);
  const judged = async (loosen: string) =>
    told(await world.judge(image, { policy: loosenedFor(organisation(loosen), own) }));
  assert.equal(await judged(""), "untrusted unattested");
  assert.equal(await judged("trust.publishers, trust.roles.inputs, trust.platforms"), "untrusted unattested");
  assert.equal(await judged("trust.roots"), "trusted");
});

test("R2 R27 what the organisation revokes stays revoked, whatever may be loosened", async () => {
  const { world, image, root, digest } = unsigned();
  const own = repository(`  builders: [${builder}]\n  roots: [${root}]\n`);
  const strict = organisation("trust.roots, trust.builders", `  revoked: [{ digest: "${digest}", reason: x }]\n`);
  assert.equal(told(await world.judge(image, { policy: loosenedFor(strict, own) })), "untrusted revoked");
});

test("R2 only what is listed is loosened, each key by itself", () => {
  const own = repository(`  builders: [${builder}]
  publishers: [chainguard]
  roles: { inputs: allow, frontends: pinned, tools: allow }
  platforms: [linux/amd64]
  allow: { network: true, local-context: true, http-without-checksum: ["https://a.example/**"], cache: true, privileged: true, layouts: ["sha256:${"1".repeat(64)}"] }
`);
  const trust =
    "  allow: { network: false, cache: false, privileged: false }\n  platforms: [linux/amd64, linux/arm64]\n";
  const strict = organisation("", trust);
  assert.equal(loosenedFor(strict, own), strict);
  const keys = {
    "trust.roles.inputs": "roles",
    "trust.roles.frontends": "roles",
    "trust.roles.tools": "roles",
    "trust.platforms": "platforms",
    "trust.allow.network": "allow",
    "trust.allow.local-context": "allow",
    "trust.allow.http-without-checksum": "allow",
    "trust.allow.cache": "allow",
    "trust.allow.privileged": "allow",
    "trust.allow.layouts": "allow",
    "trust.builders": "builders",
    "trust.publishers": "builders",
  } as const;
  const parts = ["roles", "platforms", "allow", "builders", "roots", "revoked"] as const;
  for (const [key, changed] of Object.entries(keys)) {
    const before = organisation(key, trust);
    const after = loosenedFor(before, own);
    const plain = (part: (typeof parts)[number]) => JSON.stringify([before[part], after[part]].map((each) => each));
    const differs = parts.filter((part) => JSON.stringify(before[part]) !== JSON.stringify(after[part]));
    assert.deepEqual(differs, [changed], `${key} ${plain(changed)}`);
    // One who takes the organisation's own text doesn't take this for it.
    assert.notEqual(after.digest, before.digest);
  }
});

test("R2 R35 of enforce the looser word counts where it is listed, and the organisation's elsewhere", () => {
  const words = ["report", "ratchet", "strict"] as const;
  for (const [i, theirs] of words.entries())
    for (const [j, ours] of words.entries()) {
      const own = parse(`version: 1\nenforce: ${ours}\n`, "acme/app");
      const of = (loosen: string) => parse(`${organisationText(loosen)}enforce: ${theirs}\n`, "organisation");
      assert.equal(loosenedFor(of("trust.roots"), own).enforce, theirs);
      assert.equal(loosenedFor(of("enforce"), own).enforce, words[Math.min(i, j)]);
    }
});

test("R2 a stricter repository makes nothing stricter or looser in the organisation's policy", () => {
  const loose = organisation(
    "trust.roles.inputs, trust.allow.network, trust.platforms",
    "  roles: { inputs: allow }\n  platforms: [linux/amd64]\n",
  );
  const own = repository("  allow: { network: false }\n  platforms: [linux/arm64]\n");
  const { roles, allow, platforms } = loosenedFor(loose, own);
  assert.deepEqual([roles, allow, platforms], [loose.roles, loose.allow, loose.platforms]);
});

test("R2 R12 a repository can't make the organisation's key count without a log", () => {
  const pem = `-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEGtEpV1v139+6Pc14UH90XQb2FKJZ
IRKFrz8RtqH35Xm0XRKylIE3Kun7LAGtL96oJHHttVe6xqIjrMqjM3mmlw==
-----END PUBLIC KEY-----
`;
  const entry = (log: string) =>
    `  builders: [{ images: [ghcr.io/acme/app], key: { pem: ${JSON.stringify(pem)}, log: ${log} } }]\n`;
  const strict = parse(`version: 1\nloosen: [trust.builders]\ntrust:\n${entry("required")}`, "organisation");
  const after = loosenedFor(strict, repository(entry("optional")));
  assert.deepEqual(
    after.keys.map(({ log }) => log),
    ["required"],
  );
  assert.equal(after.builders.length, 1);
  const same = loosenedFor(strict, repository(entry("required")));
  assert.deepEqual([same.keys.length, same.builders.length], [1, 2]);
});

test("R2 refuses to let loosen what has no looser form, with its place", () => {
  for (const key of keyPaths().filter((path) => !path.includes("[]"))) {
    try {
      parse(organisationText(key), "organisation");
      assert.match(key, /^(enforce|trust\.(builders|publishers|roots|platforms|roles\.\w+|allow\.[\w-]+))$/);
    } catch (error) {
      assert.ok(error instanceof PolicyError, String(error));
      assert.deepEqual(
        error.faults.map(({ line, column, path }) => [line, column, path]),
        [[2, 10, "loosen[0]"]],
      );
      assert.match(
        key,
        /^(version|loosen|builds|trust|trust\.(revoked|verifiers|mirrors|referrers|builder-presets|roots-from|roles|allow))$/,
      );
    }
  }
});
