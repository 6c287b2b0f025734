import assert from "node:assert/strict";
import { test } from "node:test";
import { formatReference } from "../../src/image/reference.ts";
import { ancestryOfFinding, walkAncestry } from "../../src/trust/ancestry.ts";
import {
  AS_OF,
  type Built,
  codesOf,
  type Json,
  policyOf,
  put,
  SLSA1,
  signerOf,
  statementOf,
  told,
  World,
  written,
} from "./world.ts";

const LLB = "buildDefinition.internalParameters.buildConfig.llbDefinition";

/** Signs of an image without provenance of its own that it was built with these. */
function claim(world: World, image: Built, ...inputs: readonly Built[]): void {
  const { provenance, manifest } = world.build(image.repo, { inputs, signed: "nothing" });
  assert.equal(manifest.digest, image.manifest.digest);
  world.sign(manifest, statementOf([manifest], SLSA1, provenance), signerOf(image.repo));
}

test("an image is trusted if every ancestor down to scratch is", async () => {
  const world = new World();
  let built = world.build("i0");
  for (let i = 1; i < 10; i++) built = world.build(`i${i}`, { base: built });
  const verdict = await world.judge(built.image);
  assert.equal(told(verdict), "trusted");
  assert.equal(verdict.nodes.length, 10);
  assert.deepEqual(
    verdict.nodes.map(({ isFromScratch }) => isFromScratch),
    [...Array(9).fill(false), true],
  );
});

test("one unattested ancestor makes it untrusted, and the path leads there", async () => {
  const world = new World();
  const grand = world.build("grand", { signed: "nothing" });
  const base = world.build("base", { base: grand });
  const verdict = await world.judge(world.build("app", { base }).image);
  assert.equal(told(verdict), "untrusted unattested");
  const [fault] = verdict.faults;
  assert.deepEqual(
    fault?.path.map(({ node, role }) => `${role} ${node.split("@")[0]}`),
    ["undefined ghcr.io/acme/app", "base ghcr.io/acme/base", "base ghcr.io/acme/grand"],
  );
});

test("R16 inputs are judged like bases", async () => {
  const world = new World();
  const bad = world.build("bad", { signed: "nothing" });
  const app = world.build("app", { base: world.build("base"), inputs: [world.build("good"), bad] });
  assert.equal(told(await world.judge(app.image)), "untrusted unattested");
});

test("each image is examined once, however many ways lead to it", async () => {
  const world = new World();
  const base = world.build("base");
  const left = world.build("left", { base });
  const right = world.build("right", { base, inputs: [left] });
  const app = world.build("app", { base: left, inputs: [right, base, left] });
  const verdict = await world.judge(app.image);
  assert.equal(told(verdict), "trusted");
  assert.equal(verdict.nodes.length, 4);
});

test("claims that name each other in a ring are a cycle", async () => {
  const world = new World();
  const one = world.build("one", { signed: "nothing" });
  const two = world.build("two", { signed: "nothing" });
  claim(world, one, two);
  claim(world, two);
  assert.equal(told(await world.judge(one.image)), "trusted");
  claim(world, two, one);
  assert.equal(told(await world.judge(one.image)), "untrusted cycle");
  assert.equal(told(await world.judge(world.build("app", { base: one }).image)), "untrusted cycle");
});

test("an image that names itself is a cycle, also without index", async () => {
  const world = new World();
  const one = world.build("one", { signed: "nothing" });
  claim(world, one, { ...one, image: one.manifest });
  assert.equal(told(await world.judge(one.manifest)), "untrusted cycle");
  assert.equal(told(await world.judge(one.image)), "untrusted cycle");
});

test("a ring through ever other names of the images still ends", async () => {
  const world = new World();
  const ring = Array.from({ length: 5 }, (_, i) => world.build(`ring${i}`, { signed: "nothing" }));
  ring.forEach((image, i) => {
    const next = ring[(i + 1) % ring.length];
    assert.ok(next);
    const other = world.index(next.repo, [{ image: next.image }], { annotations: { from: `${i}` } });
    claim(world, image, { ...next, image: i % 2 === 0 ? next.manifest : other });
  });
  const [first] = ring;
  assert.ok(first);
  assert.equal((await world.judge(first.image)).outcome, "untrusted");
});

test("an ancestry of 64 generations is walked, a deeper one is a limit", async () => {
  const world = new World();
  let built = world.build("i0");
  for (let i = 1; i <= 64; i++) built = world.build(`i${i}`, { inputs: [built] });
  assert.equal(told(await world.judge(built.image)), "trusted");
  for (let i = 65; i <= 70; i++) built = world.build(`i${i}`, { inputs: [built] });
  const verdict = await world.judge(built.image);
  assert.equal(told(verdict), "untrusted limit");
  assert.equal(verdict.nodes.length, 66);
});

test("more than 512 images are a limit, and no more are fetched", async () => {
  const world = new World();
  const inputs = Array.from({ length: 600 }, (_, i) =>
    world.build(`i${i}`, { layers: [`l${i}`], signed: "provenance-without-index" }),
  );
  const few = await world.judge(
    world.build("few", { inputs: inputs.slice(0, 511), signed: "provenance-without-index" }).image,
  );
  assert.equal(told(few), "trusted");
  const app = world.build("app", { inputs, signed: "provenance-without-index" });
  world.reads.length = 0;
  const verdict = await world.judge(app.image);
  assert.equal(told(verdict), "untrusted limit");
  assert.ok(verdict.nodes.length <= 513);
  assert.ok(world.reads.length <= 513, `${world.reads.length}`);
});

test("names that nothing is fetched for are bounded as well", async () => {
  const world = new World();
  const edit = (predicate: Json) => {
    const list = Array.from(
      { length: 2000 },
      (_, i): Json => ({ uri: `pkg:unknown/${i}`, digest: { sha256: "0".repeat(64) } }),
    );
    put(predicate, "buildDefinition.resolvedDependencies", list);
  };
  const verdict = await world.judge(world.build("app", { edit }).image);
  assert.equal(told(verdict), "untrusted dependency-not-understood limit");
  assert.ok(verdict.nodes.length <= 513);
});

test("R15 a parent that isn't there is a fault, one that can't be read is undetermined", async () => {
  const world = new World();
  const base = world.build("base");
  const app = world.build("app", { base });
  world.hide(base.manifest, "credentials-refused");
  assert.equal(told(await world.judge(app.image)), "undetermined credentials-refused");
  world.manifests.delete(`ghcr.io/acme/base@${base.manifest.digest}`);
  assert.equal(told(await world.judge(app.image)), "untrusted manifest-not-found");
});

test("a parent without the image's platform is a fault", async () => {
  const world = new World();
  const base = world.build("base", { platform: "linux/s390x" });
  const app = world.build("app", { base: { ...base, platform: { os: "linux", architecture: "amd64" } } });
  assert.equal(told(await world.judge(app.image)), "untrusted platform-not-found");
});

test("R19 a frontend is judged, pinned or left alone, as policy says", async () => {
  for (const [pinned, rule, expected] of [
    [true, "attested", "untrusted unattested"],
    [true, "pinned", "trusted"],
    [false, "pinned", "untrusted not-pinned"],
    [false, "allow", "trusted"],
  ] as const) {
    const world = new World();
    const frontend = world.build("frontend", { signed: "nothing" });
    const app = world.build("app", { frontend, pinned });
    assert.equal(
      told(await world.judge(app.image, { policy: policyOf({ trust: `  roles: { frontends: ${rule} }` }) })),
      expected,
    );
  }
});

test("R19 a rule for inputs or tools loosens nothing for a base, known or found", async () => {
  const policy = policyOf({ trust: "  roles: { inputs: allow, frontends: allow, tools: allow }" });
  for (const [signed, expected] of [
    ["nothing", "untrusted unattested"],
    ["provenance", "trusted"],
  ] as const) {
    for (const mode of ["max", "min"] as const) {
      const world = new World();
      const app = world.build("app", { base: world.build("base", { signed }), mode });
      assert.equal(told(await world.judge(app.image, { policy })), expected);
    }
  }
  const world = new World();
  const app = world.build("app", { inputs: [world.build("bad", { signed: "nothing" })] });
  assert.equal(told(await world.judge(app.image, { policy })), "trusted");
});

test("R19 an image that is base and input is judged as the stricter", async () => {
  const policy = policyOf({ trust: "  roles: { inputs: allow }" });
  const world = new World();
  const bad = world.build("bad", { signed: "nothing" });
  assert.equal(
    told(await world.judge(world.build("app", { base: bad, inputs: [bad] }).image, { policy })),
    "untrusted unattested",
  );
});

test("R19 scanners of the preset list are tools, and others are inputs", async () => {
  for (const [name, expected] of [
    ["docker/buildkit-syft-scanner", "trusted"],
    ["docker/buildkit-syft-scannerr", "untrusted manifest-not-found"],
    ["ghcr.io/docker/buildkit-syft-scanner", "untrusted manifest-not-found"],
  ] as const) {
    const world = new World();
    const edit = (predicate: Json) =>
      put(predicate, "buildDefinition.resolvedDependencies.1", {
        uri: `pkg:docker/${name}@stable-1`,
        digest: { sha256: "a".repeat(64) },
      });
    const app = world.build("app", { edit });
    assert.equal(
      told(await world.judge(app.image, { policy: policyOf({ trust: "  roles: { tools: allow }" }) })),
      expected,
    );
  }
});

test("R27 a digest that policy revokes stays revoked where the role isn't judged", async () => {
  for (const rule of ["allow", "pinned"] as const) {
    const world = new World();
    const input = world.build("input");
    const app = world.build("app", { base: world.build("base"), inputs: [input], pinned: true });
    const policy = (digest: string) =>
      policyOf({ trust: `  roles: { inputs: ${rule} }\n  revoked: [{ digest: "${digest}", reason: stolen }]` });
    assert.equal(told(await world.judge(app.image, { policy: policy(`sha256:${"0".repeat(64)}`) })), "trusted");
    assert.equal(told(await world.judge(app.image, { policy: policy(input.image.digest) })), "untrusted revoked");
  }
});

test("R27 a digest that policy revokes is revoked though it can't be read", async () => {
  const world = new World();
  const base = world.build("base");
  const app = world.build("app", { base });
  world.hide(base.image);
  assert.equal(told(await world.judge(app.image)), "undetermined network");
  const policy = policyOf({ trust: `  revoked: [{ digest: "${base.image.digest}", reason: stolen }]` });
  assert.equal(told(await world.judge(app.image, { policy })), "untrusted revoked");
});

test("an image from a local store is a fault", async () => {
  const world = new World();
  const base = world.build("base");
  const edit = (predicate: Json) =>
    put(predicate, `${LLB}.0.op.Op.source.identifier`, `oci-layout://ghcr.io/acme/base:1.0.0@${base.image.digest}`);
  assert.ok(codesOf(await world.judge(world.build("app", { base, edit }).image)).includes("local-image"));
});

test("parents are asked for under the names that provenance gives them", async () => {
  const world = new World();
  const base = world.build("base");
  const app = world.build("app", { base });
  const elsewhere = world.build("app", { base: { ...base, image: { ...base.image, repository: "acme/mirror" } } });
  assert.equal(elsewhere.manifest.digest, app.manifest.digest);
  assert.equal(told(await world.judge(app.image)), "untrusted manifest-not-found");
});

test("R4 an ancestor is judged by those who may speak for its own name", async () => {
  const world = new World();
  const base = world.build("base", { by: signerOf("app") });
  assert.ok(
    codesOf(await world.judge(world.build("app", { base }).image)).some((code) => code === "source-repository"),
  );
});

test("a walk tells how far it is", async () => {
  const world = new World();
  const app = world.build("app", { base: world.build("base") });
  const heard: string[] = [];
  const ports = { ...world.ports(), onProgress: ({ reference }: { reference: string }) => heard.push(reference) };
  await walkAncestry(ports, policyOf(), app.image, "every", AS_OF);
  assert.deepEqual(
    heard.map((each) => each.split("@")[0]),
    ["ghcr.io/acme/app", "ghcr.io/acme/base:1.0.0"],
  );
});

test("an ancestry of a finding has that finding alone", () => {
  const image = new World().build("app").image;
  const { subjects, nodes } = ancestryOfFinding(image, {
    kind: "unresolved",
    code: "tag-not-found",
    reason: "no such tag",
  });
  assert.deepEqual(subjects, [formatReference(image)]);
  assert.equal(nodes.size, 1);
});

// What honest people build, and must not be refused for.

test("a stage that is base and copied from is trusted", async () => {
  const world = new World();
  const base = world.build("base");
  assert.equal(told(await world.judge(world.build("app", { base, inputs: [base] }).image)), "trusted");
});

test("layers merged as COPY --link does are trusted, on a base and on scratch", async () => {
  for (const withBase of [true, false]) {
    const world = new World();
    const base = world.build("base");
    const linked = (predicate: Json) => {
      const copy = (id: string, from: string): Json => ({
        id,
        inputs: [from],
        op: { Op: { file: { actions: [{ Action: { copy: {} }, input: -1, secondaryInput: 0, output: 0 }] } } },
      });
      const source = (id: string, identifier: string): Json => ({ id, op: { Op: { source: { identifier } } } });
      const git = source("git", "git://github.com/acme/app.git#refs/tags/v1.0.0");
      const image = source("image", `docker-image://ghcr.io/acme/base:1.0.0@${base.image.digest}`);
      const first = withBase ? "image:0" : "one:0";
      put(
        predicate,
        LLB,
        [
          ...(withBase ? [image] : []),
          git,
          copy("one", "git:0"),
          copy("two", "git:0"),
          { id: "merge", inputs: [first, "two:0"], op: { Op: { merge: { inputs: [{ input: 0 }, { input: 1 }] } } } },
          { id: "end", inputs: ["merge:0"], op: { Op: {} } },
        ].filter((step) => !withBase || (step as { id: string }).id !== "one"),
      );
      put(predicate, "runDetails.metadata.buildkit_metadata.layers", undefined);
    };
    const app = world.build("app", {
      ...(withBase && { base }),
      layers: withBase ? ["two"] : ["one", "two"],
      edit: linked,
    });
    assert.equal(told(await world.judge(app.image)), "trusted");
  }
});

test("images of several platforms are judged each on its own parents", async () => {
  const world = new World();
  const platforms = ["linux/amd64", "linux/arm64", "linux/arm/v6", "linux/arm/v7"];
  const bases = platforms.map((platform) => world.build("base", { platform, layers: [`base ${platform}`] }));
  const baseIndex = world.index(
    "base",
    bases.map(({ manifest, platform }) => ({ image: manifest, platform: written(platform) })),
  );
  const apps = bases.map((base) =>
    world.build("app", { platform: platforms[bases.indexOf(base)] ?? "", base: { ...base, image: baseIndex } }),
  );
  const index = world.index(
    "app",
    apps.map(({ manifest, platform }) => ({ image: manifest, platform: written(platform) })),
  );
  const verdict = await world.judge(index);
  assert.equal(told(verdict), "trusted");
  assert.equal(verdict.nodes.length, 8);
});

test("an arm64 image finds its base whether or not v8 is written", async () => {
  for (const [child, base] of [
    ["linux/arm64", "linux/arm64/v8"],
    ["linux/arm64/v8", "linux/arm64"],
  ] as const) {
    const world = new World();
    const parent = world.build("base", { platform: base });
    assert.equal(told(await world.judge(world.build("app", { platform: child, base: parent }).image)), "trusted");
  }
});

test("a base built for another platform on purpose is found by the platform that provenance says", async () => {
  const world = new World();
  const base = world.build("base", { platform: "linux/amd64" });
  assert.equal(told(await world.judge(world.build("app", { platform: "linux/arm64", base }).image)), "trusted");
});

test("a Windows image finds its base among versions, where only the configs tell them", async () => {
  for (const inDescriptor of [true, false]) {
    const world = new World();
    const at = (osVersion: string) => ({ os: "windows", architecture: "amd64", osVersion });
    const bases = ["10.0.17763.1", "10.0.20348.1"].map((version) => {
      return world.build("base", {
        platform: `windows(${version})/amd64`,
        layers: [version],
        signed: "provenance-without-index",
      });
    });
    const entries = bases.map(({ manifest, platform }) => {
      return { image: manifest, platform: written(inDescriptor ? platform : { os: "windows", architecture: "amd64" }) };
    });
    const index = world.index("base", entries);
    const [base] = bases;
    assert.ok(base);
    const bare = { ...base, image: index, platform: { os: "windows", architecture: "amd64" } };
    const built = world.build("app", {
      platform: "windows(10.0.17763.1)/amd64",
      base: bare,
      signed: "provenance-without-index",
    });
    assert.deepEqual(built.platform, at("10.0.17763.1"));
    assert.equal(told(await world.judge(built.image)), "trusted");
    const again = world.index("app", [{ image: built.manifest, platform: { os: "windows", architecture: "amd64" } }]);
    assert.equal(told(await world.judge(again)), "trusted");
  }
});

test("an image pushed again under another index is trusted as it was", async () => {
  const world = new World();
  const { manifest, platform } = world.build("app");
  const index = world.index("app", [{ image: manifest, platform: written(platform) }], {
    annotations: { "org.example": "again" },
  });
  assert.equal(told(await world.judge(index)), "trusted");
});

test("an image of Docker's own media types is trusted like any", async () => {
  const world = new World();
  const docker = "application/vnd.docker";
  const built = world.build("app", { signed: "nothing" });
  const document = world.document(built.manifest);
  put(document, "mediaType", `${docker}.distribution.manifest.v2+json`);
  put(document, "config.mediaType", `${docker}.container.image.v1+json`);
  put(document, "layers.0.mediaType", `${docker}.image.rootfs.diff.tar.gzip`);
  const manifest = world.manifest("app", document);
  world.sign(manifest, statementOf([manifest], SLSA1, built.provenance), signerOf("app"));
  const list = world.index("app", [{ image: manifest, platform: written(built.platform) }], {
    mediaType: `${docker}.distribution.manifest.list.v2+json`,
  });
  for (const image of [manifest, list]) assert.equal(told(await world.judge(image)), "trusted");
});
