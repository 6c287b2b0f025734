import assert from "node:assert/strict";
import { after, test } from "node:test";
import { explanationSchema } from "../../src/report/policy-explain.ts";
import { putImage } from "../registry/image-fixture.ts";
import { trustedBuilds } from "../verify/command.ts";
import { temporaryFiles } from "../verify/temporary-files.ts";
import { startOciRegistry } from "../world/oci-registry.ts";

const write = temporaryFiles();
const registry = await startOciRegistry();
after(() => registry.close());
const { digest } = putImage(registry);
const image = `${registry.host}/acme/app:1.0.0`;
const line = `- { image: "${registry.host}/acme/app@${digest}", reason: "looked at \\e[2Jit", expires: 2099-01-01 }`;
const trusting = write("trusting.yml", `version: 1\ntrust:\n  roots:\n    ${line}\n`);
const nobody = write("nobody.yml", "version: 1\n");

test("policy explain shows the line that decided, and exits as verify does", async () => {
  const { exit, stdout } = await trustedBuilds(["policy", "explain", "--policy", trusting, image]);
  assert.equal(exit, 0);
  assert.ok(stdout.includes(`\n    ${trusting}:4:7: ${line.slice(0, 120)}`), stdout);
  assert.match(stdout, /^✔ TRUSTED {2}/m);
  // Neither the policy's own text nor a stranger's may move the cursor.
  assert.doesNotMatch(stdout.replaceAll("\n", ""), /[\p{Cc}\p{Cf}]/u);
});

test("policy explain tells the line that would have to be added where none decided", async () => {
  const { exit, stdout } = await trustedBuilds(["policy", "explain", "--output", "json", "--policy", nobody, image]);
  assert.equal(exit, 1);
  const { nodes, verdict } = explanationSchema.parse(JSON.parse(stdout));
  assert.deepEqual(
    [verdict, nodes.map(({ finding, lines, missing }) => [finding, lines, missing?.under])],
    ["untrusted", [["unattested", [], "trust.roots"]]],
  );
  assert.ok(nodes[0]?.missing?.line.includes(digest));
});

test("policy explain exits with 2 for a policy that can't be used, and with 3 where it could not look", async () => {
  const bad = write("bad.yml", "version: 2\n");
  const unusable = await trustedBuilds(["policy", "explain", "--policy", bad, image]);
  assert.deepEqual([unusable.exit, unusable.stdout], [2, ""]);
  assert.match(unusable.stderr, /bad\.yml:1:10: version: /);
  const offline = await trustedBuilds(["policy", "explain", "--offline", "--policy", nobody, image]);
  assert.equal(offline.exit, 3);
});
