import assert from "node:assert/strict";
import { test } from "node:test";
import type { UseRole } from "../../src/image/dockerfile/reading.ts";
import { faultKeys } from "../../src/trust/enforcement.ts";
import type { ForecastFault } from "../../src/trust/forecast.ts";
import type { Policy } from "../../src/trust/policy.ts";
import { CouldNotLook } from "../../src/trust/ports.ts";
import type { Verdict } from "../../src/trust/verdict.ts";
import { forecastOf, read, toldOf, use } from "./dockerfiles.ts";
import { policyWith, summarised } from "./summaries.ts";
import {
  AS_OF,
  type BuildOptions,
  type Built,
  codesOf,
  entryOf,
  type Json,
  layerOf,
  policyOf,
  put,
  signerOf,
  told,
  World,
  written,
} from "./world.ts";

/** How the lower of two ancestors is built, and what happens to the world afterwards. */
interface Spoilt {
  readonly options?: BuildOptions;
  readonly after?: (world: World, spoilt: Built) => void;
  readonly policy?: (spoilt: Built) => Policy;
  /** What both say of it. */
  readonly says: string;
}

const ROOT = (image: Built["image"], expires = "2027-06-01") =>
  `  roots: [{ image: "ghcr.io/acme/base@${image.digest}", reason: looked at it, expires: "${expires}" }]`;

const SPOILT: Readonly<Record<string, Spoilt>> = {
  "is in order": { says: "trusted" },
  "is unattested": { options: { signed: "nothing" }, says: "untrusted unattested" },
  "is signed by another workflow": {
    options: {
      by: signerOf("base", { buildSignerUri: "https://github.com/evil/builder/.github/workflows/x.yml@refs/tags/v1" }),
    },
    says: "untrusted workflow",
  },
  "is signed by a stranger's repository": {
    options: { by: signerOf("base", { sourceRepositoryUri: "https://github.com/evil/base" }) },
    says: "untrusted source-repository",
  },
  "is built from a local directory": { options: { local: true, mode: "min" }, says: "untrusted incomplete" },
  "has provenance that isn't tied to its signer": {
    options: { signed: "index", builderId: "https://github.com/acme/base/actions/runs/1/attempts/1" },
    says: "untrusted containment",
  },
  "is revoked by its digest": {
    policy: ({ image }) => policyOf({ trust: `  revoked: [{ digest: "${image.digest}", reason: stolen }]` }),
    says: "untrusted revoked",
  },
  "is revoked by the digest of its manifest": {
    policy: ({ manifest }) => policyOf({ trust: `  revoked: [{ digest: "${manifest.digest}", reason: stolen }]` }),
    says: "untrusted revoked",
  },
  "was built from another commit than its signer ran for": {
    options: {
      edit: (predicate: Json) => {
        put(predicate, "buildDefinition.externalParameters.configSource.digest.sha1", "c".repeat(40));
        put(predicate, "buildDefinition.resolvedDependencies.0.digest.sha1", "c".repeat(40));
      },
    },
    says: "untrusted source-mismatch",
  },
  "has layers of which its build doesn't know": {
    options: { hidden: ["hidden"] },
    says: "untrusted unexplained-layers",
  },
  "isn't there": {
    after: (world, { image }) => world.manifests.delete(`ghcr.io/acme/base@${image.digest}`),
    says: "untrusted manifest-not-found",
  },
  "can't be looked at": { after: (world, { image }) => world.hide(image), says: "undetermined network" },
  "has evidence that can't be looked at": {
    options: { signed: "nothing" },
    after: (world, { manifest }) =>
      world.failures.set(`ghcr.io/acme/base@${manifest.digest}`, new CouldNotLook("timeout", "no answer")),
    says: "undetermined timeout",
  },
  "is a root": {
    options: { signed: "nothing" },
    policy: ({ image }) => policyOf({ trust: ROOT(image) }),
    says: "trusted",
  },
  "was a root": {
    options: { signed: "nothing" },
    policy: ({ image }) => policyOf({ trust: ROOT(image, "2026-06-01") }),
    says: "untrusted root-expired",
  },
  "is answered for by a verifier": {
    options: { signed: "nothing" },
    after: (world, base) => summarised(world, base),
    policy: () => policyWith(),
    says: "trusted",
  },
};

/** What a fault is known by in the image's verdict, without the image itself; those of the image are left out. */
function belowSubject(verdict: Verdict): readonly string[] {
  return faultKeys(verdict).flatMap((key) => {
    const [code, _, __, ...steps] = JSON.parse(key) as readonly string[];
    return steps.length === 0 ? [] : [JSON.stringify([code, ...steps])];
  });
}

const keysOf = (faults: readonly ForecastFault[]) => [...new Set(faults.map(({ key }) => key))].sort();

/** The image is built by the file, and both are judged. */
async function both(spoilt: Spoilt, generations: 1 | 2, role: UseRole) {
  const world = new World();
  const base = world.build("base", spoilt.options);
  const parent = generations === 1 ? base : world.build("runtime", { base });
  const under = world.build("under", { layers: ["under"] });
  const app = world.build("app", {
    base: role === "base" ? parent : under,
    ...(role === "input" && { inputs: [parent] }),
    ...(role === "frontend" && { frontend: parent }),
  });
  spoilt.after?.(world, base);
  const policy = spoilt.policy?.(base) ?? policyOf();
  const name = `ghcr.io/acme/${parent.repo}:1.0.0`;
  const images = [
    ...(role === "base" ? [] : [use("ghcr.io/acme/under:1.0.0")]),
    use(name, { role, line: role === "base" ? 1 : 3 }),
  ];
  const tags = { [name]: parent.image, "ghcr.io/acme/under:1.0.0": under.image };
  return {
    verdict: await world.judge(app.image, { policy }),
    forecast: await forecastOf(world, [read(images)], { policy, tags }),
    pinned: await forecastOf(world, [read([...images.slice(0, -1), use(parent.image, { role, line: 9 })])], {
      policy,
      tags,
    }),
  };
}

for (const [what, spoilt] of Object.entries(SPOILT)) {
  test(`R16 R19 the forecast of a file and the verdict on its image agree where an ancestor ${what}`, async () => {
    for (const generations of [1, 2] as const) {
      for (const role of ["base", "input", "frontend"] as const) {
        const { verdict, forecast, pinned } = await both(spoilt, generations, role);
        const where = `${role}, ${generations}`;
        assert.equal(toldOf(forecast), spoilt.says, where);
        assert.equal(told(verdict), spoilt.says, where);
        assert.equal(toldOf(pinned), spoilt.says, `${where}, pinned`);
        assert.deepEqual(keysOf(forecast.faults), belowSubject(verdict), where);
        assert.deepEqual(keysOf(pinned.faults), belowSubject(verdict), where);
        if (spoilt.says === "trusted") assert.equal(forecast.level, verdict.level, where);
        assert.deepEqual(forecast.validUntil, verdict.validUntil, where);
      }
    }
  });
}

test("R22 the forecast compares parents with each other, as the walk of the image does", async () => {
  const world = new World();
  const started = (predicate: Json) => put(predicate, "runDetails.metadata.startedOn", "2026-11-20T05:00:00Z");
  world.signedAt = new Date("2026-11-01T00:00:00Z");
  const known = world.build("known", {
    layers: ["known-1", "known-2"],
    by: signerOf("known", { sourceRepositoryIdentifier: "7" }),
  });
  world.signedAt = new Date("2026-11-20T06:00:00Z");
  const hiding = world.build("hiding", { layers: ["known-1", "known-2", "own"], edit: started });
  const app = world.build("app", { base: hiding, inputs: [known] });
  assert.equal(told(await world.judge(app.image)), "untrusted undeclared-base");
  const images = [use(hiding.image), use(known.image, { role: "input", line: 2 })];
  assert.equal(toldOf(await forecastOf(world, [read(images)])), "untrusted undeclared-base");
  assert.equal(toldOf(await forecastOf(world, [read(images.slice(0, 1))])), "trusted");
});

test("R25 R26 R30 a parent isn't held to what is asked of the image itself", async () => {
  const world = new World();
  const [amd, arm] = [
    world.build("base", { layers: ["amd"], signed: "provenance-without-index" }),
    world.build("base", {
      layers: ["arm"],
      platform: "linux/arm64",
      signed: "provenance-without-index",
      by: signerOf("base", { runInvocationUri: "https://github.com/acme/base/actions/runs/7/attempts/1" }),
      builderId: "https://github.com/acme/base/actions/runs/7/attempts/1",
    }),
  ];
  const index = world.index(
    "base",
    [amd, arm].map(({ manifest, platform }) => ({ image: manifest, platform: written(platform) })),
  );
  const policy = policyOf({
    trust: "  platforms: [linux/s390x]",
    more: "",
  });
  // Under a tag that its git tag doesn't stand for, of several runs, and for none of policy's platforms.
  const tagged = use("ghcr.io/acme/base:odd", { role: "frontend" });
  const forecast = await forecastOf(world, [read([use(index), { ...tagged, line: 2 }])], {
    policy,
    tags: { "ghcr.io/acme/base:odd": index },
  });
  assert.equal(toldOf(forecast), "trusted");
  assert.equal(codesOf(await world.judge(index)).includes("mixed-index"), true);
  assert.deepEqual(
    forecast.parents.map(({ verdict }) => verdict?.platforms.length),
    [1, 2],
  );
});

test("R24 of a frontend every platform's image is judged, and of a base the one that is built for", async () => {
  const world = new World();
  const good = world.build("tool", { layers: ["amd"] });
  const bad = world.build("tool", { layers: ["arm"], platform: "linux/arm64", signed: "nothing" });
  const index = world.index("tool", [
    { image: good.manifest, platform: written(good.platform) },
    { image: bad.manifest, platform: written(bad.platform) },
    ...(good.attestationManifest ? [entryOf(good.attestationManifest, good.manifest)] : []),
  ]);
  const of = async (role: UseRole, where?: string) =>
    toldOf(
      await forecastOf(world, [
        read([use(good.image), use(index, { role, line: 2, ...(where !== undefined && { for: where }) })]),
      ]),
    );
  assert.equal(await of("input"), "trusted");
  assert.equal(await of("input", "linux/arm64"), "untrusted unattested");
  assert.equal(await of("frontend"), "untrusted unattested");
});

test("R27 a file is judged at a time: a root that holds today has lapsed the year after", async () => {
  const world = new World();
  const base = world.build("base", { signed: "nothing" });
  const policy = policyOf({ trust: ROOT(base.image) });
  const at = async (asOf: Date) => toldOf(await forecastOf(world, [read([use(base.image)])], { policy, asOf }));
  assert.equal(await at(AS_OF), "trusted");
  assert.equal(await at(new Date("2027-11-21T12:00:00Z")), "untrusted root-expired");
});

test("R21 layers of ancestors are looked into as for the image, and not where something else is wrong already", async () => {
  const world = new World();
  const base = world.build("base");
  const recompressed = { ...base, layers: [layerOf("base-layer", "zstd")] };
  const runtime = world.build("runtime", { base: recompressed });
  const bad = world.build("bad", { signed: "nothing" });
  world.holds([...base.layers, ...recompressed.layers]);
  const images = [use(runtime.image)];
  const spoilt = await forecastOf(world, [read([...images, use(bad.image, { role: "input", line: 2 })])]);
  assert.deepEqual([toldOf(spoilt), world.unpacked.length], ["untrusted unattested", 0]);
  const forecast = await forecastOf(world, [read(images)]);
  const verdict = await world.judge(world.build("app", { base: runtime }).image);
  assert.deepEqual([toldOf(forecast), forecast.level], ["trusted", verdict.level]);
  assert.ok(world.unpacked.length > 0);
});
