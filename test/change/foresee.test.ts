import assert from "node:assert/strict";
import { test } from "node:test";
import { createForesee, type Foreseen, type Foresight } from "../../src/change/foresee.ts";
import type { PinnedImage } from "../../src/image/reference.ts";
import type { Policy } from "../../src/trust/policy.ts";
import { CouldNotLook } from "../../src/trust/ports.ts";
import { REPOSITORY } from "../build/world.ts";
import { portsOf, toldOf } from "../trust/dockerfiles.ts";
import { AS_OF, type Built, entryOf, type Json, policyOf, World, written } from "../trust/world.ts";

const how: Foreseen["how"] = {
  image: "ghcr.io/acme/app",
  target: undefined,
  buildArgs: {},
  contexts: {},
  platforms: ["linux/amd64"],
};
const adds = (...triggers: string[]): { readonly config: Json } => ({ config: { config: { OnBuild: triggers } } });

/** A program that foresees files in a world, and what it did there. */
class Seer {
  readonly world = new World();
  readonly tags: Record<string, PinnedImage | Error> = {};
  /** The tags that were asked for. */
  readonly asked: string[] = [];
  readonly opened: string[] = [];
  closed = 0;
  documents = 0;

  /** An image under a tag. */
  build(repo: string, ...more: Parameters<World["build"]> extends [string, ...infer Rest] ? Rest : never): Built {
    const built = this.world.build(repo, ...more);
    this.tags[`ghcr.io/acme/${repo}:1`] = built.image;
    return built;
  }

  async foresee(
    lines: readonly string[],
    given: Partial<Foreseen["how"]> = {},
    policies: readonly Policy[] = [policyOf()],
  ): Promise<readonly Foresight[]> {
    const foresee = createForesee({
      openWalk: (_, image) => {
        this.opened.push(image.repository);
        return { ...portsOf(this.world, this.tags, this.asked), close: async () => void this.closed++ };
      },
      documentOf: ({ outcome }) => ({ outcome, number: ++this.documents }),
      now: () => AS_OF,
    });
    return foresee(
      { repository: REPOSITORY, text: Buffer.from(lines.join("\n")), how: { ...how, ...given } },
      policies,
    );
  }

  /** Outcome and codes by one policy; a refusal with its place. */
  async told(...asked: Parameters<Seer["foresee"]>): Promise<string> {
    const [one, ...more] = (await this.foresee(...asked)).map((each) =>
      each.kind === "forecast" ? toldOf(each.forecast) : `refused ${each.line}:${each.column}`,
    );
    assert.ok(one !== undefined);
    assert.deepEqual(more, []);
    return one;
  }
}

test("a file is read and judged in one walk, which is closed", async () => {
  const seer = new Seer();
  seer.build("base");
  assert.equal(await seer.told(["FROM ghcr.io/acme/base:1"]), "trusted");
  assert.deepEqual([seer.opened, seer.closed], [["acme/app"], 1]);
});

test("what is built from is read with policy's build arguments, target and named contexts", async () => {
  const seer = new Seer();
  seer.build("base");
  seer.build("evil", { signed: "nothing" });
  const file = ["ARG NAME=evil", `FROM ghcr.io/acme/\${NAME}:1 AS good`, "FROM ghcr.io/acme/evil:1"];
  assert.equal(await seer.told(file), "untrusted unattested");
  assert.equal(await seer.told(file, { target: "good" }), "untrusted unattested");
  assert.equal(await seer.told(file, { target: "good", buildArgs: { NAME: "base" } }), "trusted");
  const replaced = { "ghcr.io/acme/evil:1": "docker-image://ghcr.io/acme/base:1" };
  assert.equal(await seer.told(file, { contexts: replaced, buildArgs: { NAME: "base" } }), "trusted");
  const poisoned = { "ghcr.io/acme/base:1": "docker-image://ghcr.io/acme/evil:1" };
  assert.equal(
    await seer.told(["FROM ghcr.io/acme/base:1"], { contexts: poisoned }),
    "untrusted unattested",
    "the context stands in for the base",
  );
});

test("of several platforms each is read and judged for itself: one that is bad is enough", async () => {
  const seer = new Seer();
  const { world } = seer;
  const amd = world.build("base", { layers: ["amd"] });
  const arm = world.build("base", { layers: ["arm"], platform: "linux/arm64", signed: "nothing" });
  seer.tags["ghcr.io/acme/base:1"] = world.index("base", [
    { image: amd.manifest, platform: written(amd.platform) },
    { image: arm.manifest, platform: written(arm.platform) },
    ...(amd.attestationManifest ? [entryOf(amd.attestationManifest, amd.manifest)] : []),
  ]);
  seer.build("evil", { signed: "nothing", platform: "linux/arm64" });
  const plain = ["FROM ghcr.io/acme/base:1"];
  assert.equal(await seer.told(plain), "trusted");
  assert.equal(await seer.told(plain, { platforms: ["linux/arm64"] }), "untrusted unattested");
  assert.equal(await seer.told(plain, { platforms: ["linux/amd64", "linux/arm64"] }), "untrusted unattested");
  assert.equal(await seer.told(plain, { platforms: [] }), "untrusted base-unknown", "nothing is nothing to trust");
  const by = ["FROM scratch AS amd64", "COPY a /", "FROM ghcr.io/acme/evil:1 AS arm64", `FROM \${TARGETARCH}`];
  assert.equal(await seer.told(by), "trusted");
  assert.equal(await seer.told(by, { platforms: ["linux/amd64", "linux/arm64"] }), "untrusted unattested");
});

test("what is made on the builder's own platform is GitHub's usual runner's, whatever is built for", async () => {
  const seer = new Seer();
  seer.build("tools", { platform: "linux/arm64" });
  const file = ["FROM --platform=$BUILDPLATFORM ghcr.io/acme/tools:1 AS t", "FROM scratch", "COPY --from=t /a /a"];
  assert.match(await seer.told(file, { platforms: ["linux/arm64"] }), /^untrusted /);
  const other = new Seer();
  other.build("tools");
  assert.equal(await other.told(file, { platforms: ["linux/arm64"] }), "trusted");
});

test("R19 what bases add is judged too, in as many rounds as it takes, at the line that brings it in", async () => {
  const seer = new Seer();
  seer.build("outer", adds("COPY --from=tools / /"));
  seer.build("inner", { ...adds("COPY --from=ghcr.io/acme/evil:1 / /"), layers: ["inner"] });
  const evil = seer.build("evil", { signed: "nothing" });
  const file = ["FROM ghcr.io/acme/inner:1 AS tools", "FROM ghcr.io/acme/outer:1"];
  const [one] = await seer.foresee(file);
  assert.ok(one?.kind === "forecast");
  assert.equal(toldOf(one.forecast), "untrusted unattested");
  assert.deepEqual(
    one.forecast.parents.map(({ reference, uses }) => [reference.repository, uses.map(({ line }) => line)]),
    [
      ["acme/inner", [1]],
      ["acme/evil", [1]],
      ["acme/outer", [2]],
    ],
  );
  seer.world.forget(evil.manifest);
  assert.equal(await seer.told(["FROM ghcr.io/acme/inner:1 AS tools", "FROM scratch", "COPY a /"]), "trusted");
});

test("a base that is built for several platforms adds what its config for each of them says", async () => {
  const seer = new Seer();
  const { world } = seer;
  seer.build("evil", { signed: "nothing", platform: "linux/arm64" });
  const images = [
    world.build("base", { layers: ["amd"] }),
    world.build("base", { layers: ["arm"], platform: "linux/arm64", ...adds("COPY --from=ghcr.io/acme/evil:1 / /") }),
  ];
  seer.tags["ghcr.io/acme/base:1"] = world.index(
    "base",
    images.map(({ manifest, platform }) => ({ image: manifest, platform: written(platform) })),
  );
  const file = ["FROM ghcr.io/acme/base:1"];
  assert.match(await seer.told(file), /^trusted/);
  assert.match(await seer.told(file, { platforms: ["linux/arm64"] }), /^untrusted .*unattested/);
});

test("the image that BuildKit takes for want of the platform's own is asked what it adds", async () => {
  const seer = new Seer();
  const { world } = seer;
  seer.build("evil", { signed: "nothing" });
  const older = world.build("base", { platform: "linux/arm/v6", ...adds("COPY --from=ghcr.io/acme/evil:1 / /") });
  seer.tags["ghcr.io/acme/base:1"] = world.index("base", [
    { image: older.manifest, platform: written(older.platform) },
  ]);
  const [one] = await seer.foresee(["FROM ghcr.io/acme/base:1"], { platforms: ["linux/arm/v7"] });
  assert.ok(one?.kind === "forecast");
  assert.ok(one.forecast.parents.some(({ reference }) => reference.repository === "acme/evil"));
});

test("of two images of an index for one platform both are asked what they add", async () => {
  const seer = new Seer();
  const { world } = seer;
  seer.build("evil", { signed: "nothing" });
  const images = [
    world.build("base", { layers: ["one"] }),
    world.build("base", { layers: ["two"], ...adds("COPY --from=ghcr.io/acme/evil:1 / /") }),
  ];
  seer.tags["ghcr.io/acme/base:1"] = world.index(
    "base",
    images.map(({ manifest, platform }) => ({ image: manifest, platform: written(platform) })),
  );
  const [one] = await seer.foresee(["FROM ghcr.io/acme/base:1"]);
  assert.ok(one?.kind === "forecast");
  assert.ok(one.forecast.parents.some(({ reference }) => reference.repository === "acme/evil"));
});

test("an index that doesn't say what for, or leads to another index, hides nothing that a base adds", async () => {
  const seer = new Seer();
  const { world } = seer;
  seer.build("evil", { signed: "nothing" });
  const base = world.build("base", adds("COPY --from=ghcr.io/acme/evil:1 / /"));
  seer.tags["ghcr.io/acme/base:1"] = world.index("base", [{ image: base.manifest }]);
  const [one] = await seer.foresee(["FROM ghcr.io/acme/base:1"]);
  assert.ok(one?.kind === "forecast");
  assert.ok(one.forecast.parents.some(({ reference }) => reference.repository === "acme/evil"));
  const inner = world.index("base", [{ image: base.manifest, platform: written(base.platform) }]);
  seer.tags["ghcr.io/acme/base:1"] = world.index("base", [{ image: inner, platform: written(base.platform) }]);
  const [two] = await seer.foresee(["FROM ghcr.io/acme/base:1"]);
  assert.ok(two?.kind === "forecast");
  assert.notEqual(two.forecast.outcome, "trusted");
  assert.ok(two.forecast.unreachable.some(({ code, key }) => code === "limit" && key.includes("triggers")));
});

test("a base whose config can't be read may add anything: nothing on it is trusted, and all of it is said", async () => {
  const seer = new Seer();
  const base = seer.build("base");
  const { config } = seer.world.document(base.manifest) as { config: { digest: string } };
  const bytes = seer.world.blobs.get(config.digest);
  assert.ok(bytes);
  // Once only: the walk, a moment later, can read it.
  let reads = 0;
  const get = seer.world.blobs.get.bind(seer.world.blobs);
  seer.world.blobs.get = (digest) =>
    digest === config.digest && reads++ === 0 ? new CouldNotLook("network", "no connection") : get(digest);
  const [one] = await seer.foresee(["FROM ghcr.io/acme/base:1"]);
  assert.ok(one?.kind === "forecast");
  assert.equal(toldOf(one.forecast), "undetermined network");
  assert.ok(reads > 1);
  assert.deepEqual([one.standing.outcome, one.standing.isPartial], ["undetermined", true]);
  assert.deepEqual(one.document, { outcome: "undetermined", number: 1 });
});

test("a registry that hides a base from one question and shows it to the next hides nothing that it adds", async () => {
  for (const what of ["manifest", "config"] as const) {
    const seer = new Seer();
    seer.build("evil", { signed: "nothing" });
    const base = seer.build("base", adds("COPY --from=ghcr.io/acme/evil:1 / /"));
    const { config } = seer.world.document(base.manifest) as { config: { digest: string } };
    const [stored, key] =
      what === "manifest"
        ? [seer.world.manifests, `ghcr.io/acme/base@${base.manifest.digest}`]
        : [seer.world.blobs, config.digest];
    let reads = 0;
    const get = stored.get.bind(stored);
    stored.get = (asked) => (asked === key && reads++ === 0 ? undefined : get(asked));
    assert.equal(await seer.told(["FROM ghcr.io/acme/base:1"]), `untrusted ${what}-not-found`);
  }
});

test("a file that BuildKit refuses is refused by every policy, at its place; and so are policy's own words", async () => {
  const seer = new Seer();
  seer.build("base", adds("FROM ghcr.io/acme/evil:1"));
  const both = await seer.foresee(["FROM scratch", "FOO bar"], {}, [policyOf(), policyOf()]);
  assert.deepEqual(
    both.map((each) => each.kind === "refused" && each.line),
    [2, 2],
  );
  assert.match(await seer.told(["FROM ghcr.io/acme/base:1"]), /^refused 1:/, "what a base adds counts");
  assert.match(await seer.told(["FROM scratch"], { target: "nowhere" }), /^refused /);
  assert.match(await seer.told(["FROM scratch", "COPY a /"], { contexts: { "A B": "." } }), /^refused 1:1$/);
  assert.equal(seer.closed, seer.opened.length);
});

test("a fault of the program while judging is no fault of the file", async () => {
  const seer = new Seer();
  const base = seer.build("base");
  seer.world.verified.get = () => {
    throw new RangeError("a fault of the program");
  };
  await assert.rejects(seer.foresee([`FROM ghcr.io/acme/base@${base.image.digest}`]), /a fault of the program/);
  assert.equal(seer.closed, 1);
});

test("R2 two policies judge one file as it is read once, each by its own words and in their order", async () => {
  const seer = new Seer();
  const base = seer.build("base");
  const revoking = policyOf({ trust: `  revoked: [{ digest: "${base.image.digest}", reason: stolen }]` });
  const told = await seer.foresee(["FROM ghcr.io/acme/base:1"], { platforms: ["linux/amd64", "linux/amd64"] }, [
    policyOf(),
    revoking,
    policyOf(),
  ]);
  assert.deepEqual(
    told.map((each) => each.kind === "forecast" && toldOf(each.forecast)),
    ["trusted", "untrusted revoked", "trusted"],
  );
  assert.deepEqual(
    told.map((each) => each.kind === "forecast" && each.document),
    ["trusted", "untrusted", "trusted"].map((outcome, i) => ({ outcome, number: i + 1 })),
  );
  assert.deepEqual([seer.opened.length, seer.closed, seer.asked], [1, 1, ["ghcr.io/acme/base:1"]]);
});
