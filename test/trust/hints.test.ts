import assert from "node:assert/strict";
import { test } from "node:test";
import type { Verdict } from "../../src/trust/verdict.ts";
import { type BuildOptions, type Json, policyOf, told, World } from "./world.ts";

const NAME = "org.opencontainers.image.base.name";
const DIGEST = "org.opencontainers.image.base.digest";

/** Labels by which an image says that it was built on another. */
const sayingBase = (name: string, digest: string): Json => ({ config: { Labels: { [NAME]: name, [DIGEST]: digest } } });

/** A verdict without its hints, and without what names the bytes that they stand in. */
function withoutHints(verdict: Verdict) {
  return [
    told(verdict),
    verdict.level,
    verdict.inputs,
    verdict.dependencyLevels,
    verdict.nodes.map(({ finding, parents, level, seam, warnings }) => [
      finding.kind,
      "code" in finding && finding.code,
      parents.map(({ role }) => role),
      level,
      seam,
      warnings,
    ]),
    verdict.faults.map(({ code, reason, path }) => [code, reason, path.length]),
  ];
}

test("what an unattested, refused or opaque image says of its base is shown as a hint", async () => {
  const world = new World();
  const base = world.build("base");
  const config = sayingBase("ghcr.io/acme/base:1.0.0", base.image.digest);
  const hint = { from: "config labels", name: "ghcr.io/acme/base:1.0.0", digest: base.image.digest };
  const cases: readonly (readonly [string, BuildOptions])[] = [
    ["unattested", { signed: "nothing" }],
    ["refused", { by: { kind: "key", fingerprint: base.image.digest } }],
    ["opaque", { mode: "min" }],
  ];
  for (const [kind, options] of cases) {
    const verdict = await world.judge(world.build("app", { config, ...options }).image);
    assert.deepEqual([verdict.nodes[0]?.finding.kind, verdict.nodes[0]?.hints], [kind, [hint]]);
  }
});

test("a hint beside provenance that says the base isn't shown: it could only lead astray", async () => {
  const world = new World();
  const config = sayingBase("docker.io/library/debian:13", `sha256:${"0".repeat(64)}`);
  const verdict = await world.judge(world.build("app", { config, base: world.build("base") }).image);
  assert.deepEqual([verdict.outcome, verdict.nodes.map(({ hints }) => hints)], ["trusted", [[], []]]);
});

test("no hint changes any verdict: none is walked, believed, or held against the image", async () => {
  const options: readonly BuildOptions[] = [
    {},
    { signed: "nothing" },
    { signed: "index" },
    { mode: "min" },
    { local: true },
    { hidden: ["backdoor"] },
    { by: { kind: "key", fingerprint: `sha256:${"1".repeat(64)}` as never } },
  ];
  for (const option of options) {
    for (const based of [true, false]) {
      const verdicts = [];
      for (const claim of ["none", "true", "another", "malformed"] as const) {
        const world = new World();
        const base = world.build("base");
        const gone = world.build("gone", { signed: "nothing" });
        world.hide(gone.image);
        const config: Json =
          claim === "true"
            ? sayingBase("ghcr.io/acme/base:1.0.0", base.image.digest)
            : claim === "another"
              ? sayingBase("ghcr.io/acme/gone:1.0.0", gone.image.digest)
              : claim === "malformed"
                ? sayingBase("\u001b[2J", "sha256:XYZ")
                : {};
        const app = world.build("app", { ...(based && { base }), ...option, config });
        verdicts.push(await world.judge(app.image, { policy: policyOf() }));
        assert.ok(!world.reads.some((read) => read.includes("/gone@")), "a hint was followed");
      }
      const [first, ...others] = verdicts.map(withoutHints);
      for (const other of others) assert.deepEqual(other, first, JSON.stringify([option, based]));
    }
  }
});
