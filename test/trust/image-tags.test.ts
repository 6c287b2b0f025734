import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isTag, type PinnedImage, parseReference } from "../../src/image/reference.ts";
import { verdictDocument } from "../../src/report/json.ts";
import { verdictText } from "../../src/report/text.ts";
import type { AcceptedProvenance } from "../../src/trust/accepted.ts";
import { afterTagMoved, imageTagsOf, tagMismatch } from "../../src/trust/image-tags.ts";
import type { Policy } from "../../src/trust/policy.ts";
import type { Verdict } from "../../src/trust/verdict.ts";
import {
  type BuildOptions,
  policyOf,
  runOf,
  SIGN,
  SLSA1,
  signerOf,
  statementOf,
  told,
  World,
  written,
} from "./world.ts";

/** The image tags of a git tag, or undefined where it makes none. */
function tagsOf(gitTag: string, ...imageTags: readonly string[]): readonly string[] | undefined {
  const made = imageTagsOf({ imageTags, path: "builds[0]" }, gitTag);
  return made.kind === "tags" ? made.tags : undefined;
}

test("R26 {tag} is the git tag, letter for letter", () => {
  for (const tag of ["v1.2.3", "1.2.3", "V1", "latest", "_", "a".repeat(128)])
    assert.deepEqual(tagsOf(tag, "{tag}"), [tag]);
});

test("R26 {version} is the git tag without a v before a digit, and nothing else is taken away", () => {
  const versions = {
    "v1.2.3": "1.2.3",
    v1: "1",
    "1.2.3": "1.2.3",
    "v1.0-v2": "1.0-v2",
    version1: "version1",
    vv1: "vv1",
    V1: "V1",
    v: "v",
  };
  for (const [tag, version] of Object.entries(versions)) assert.deepEqual(tagsOf(tag, "{version}"), [version], tag);
});

test("R26 each template makes a tag, in order and once each", () => {
  assert.deepEqual(tagsOf("v1.2", "{version}", "{tag}", "edge-{tag}", "latest"), [
    "1.2",
    "v1.2",
    "edge-v1.2",
    "latest",
  ]);
  assert.deepEqual(tagsOf("1.2", "{version}", "{tag}", "latest", "latest"), ["1.2", "latest"]);
  assert.deepEqual(tagsOf("v1", "{tag}.{version}.{tag}"), ["v1.1.v1"]);
});

const UNUSABLE: readonly (readonly [tag: string, almost: string])[] = [
  ["release/1.0", "release-1.0"],
  ["1.0+build", "1.0-build"],
  ["-rc1", "rc-1"],
  [".hidden", "hidden."],
  ["a".repeat(129), "a".repeat(128)],
  ["v1 ", "v1"],
  ["v1\n", "v1"],
  ["v1@2", "v1_2"],
  ["vé", "ve"],
  ["{version}", "version"],
  ["$&", "_"],
  ["", "0"],
];

for (const [tag, almost] of UNUSABLE) {
  test(`R26 the git tag ${JSON.stringify(tag.slice(0, 20))} makes no image tag, and is neither cut nor mended`, () => {
    assert.equal(tagsOf(tag, "{tag}"), undefined);
    assert.deepEqual(tagsOf(almost, "{tag}"), [almost]);
  });
}

test("R26 a git tag that one of several templates can't take makes none at all", () => {
  const longest = "a".repeat(128);
  assert.deepEqual(tagsOf(longest, "{tag}", "latest"), [longest, "latest"]);
  assert.equal(tagsOf(longest, "{tag}", "latest", "edge-{tag}"), undefined);
  assert.deepEqual(tagsOf("-rc1", "v{tag}"), ["v-rc1"]);
  assert.equal(tagsOf("-rc1", "v{tag}", "{tag}"), undefined);
});

test("R26 why a git tag can't be used names the tag, what it would make, and where policy says so", () => {
  const made = imageTagsOf({ imageTags: ["latest", "x-{tag}"], path: "builds[3]" }, "a/b");
  assert.ok(made.kind === "unusable");
  for (const part of ['"a/b"', '"x-a/b"', "builds[3]"]) assert.ok(made.reason.includes(part), part);
});

test("R26 whatever the git tag, the image's tags are tags, and two git tags never share one by {tag}", () => {
  const tag = fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(..."v01.-_/+{}tagersion$&") }));
  fc.assert(
    fc.property(tag, tag, (a, b) => {
      const made = tagsOf(a, "{tag}", "{version}", "edge-{tag}");
      assert.ok(made === undefined || made.every(isTag));
      assert.equal(made?.[0] ?? a, a);
      if (a !== b && made !== undefined) assert.notEqual(tagsOf(b, "{tag}")?.[0], made[0]);
    }),
  );
});

/** The policy of the world, which also says how an image's tags are made. */
function tagging(imageTags?: string, { image = "ghcr.io/acme/app", trust = "", more = "" } = {}): Policy {
  const templates = imageTags === undefined ? "" : `, image-tags: ${imageTags}`;
  return policyOf({ trust: `${trust}\nbuilds: [{ image: ${image}${templates}${more} }]` });
}

const MISMATCH = "untrusted tag-mismatch";

/** What is told of an image that stands under a tag. */
async function under(
  world: World,
  image: PinnedImage,
  tag: string | undefined,
  policy: Policy = tagging(),
): Promise<string> {
  return told(await world.judge(image, { policy, reference: { ...image, ...(tag !== undefined && { tag }) } }));
}

/** What is told of an app from a git ref under an image tag. */
async function from(ref: string, tag: string, policy?: Policy, options: BuildOptions = {}): Promise<string> {
  const world = new World();
  const app = world.build("app", { by: signerOf("app", { sourceRepositoryRef: ref }), ...options });
  return under(world, app.image, tag, policy);
}

test("R26 an image under the tag of its git tag is trusted, under any other it is a mismatch", async () => {
  assert.equal(await from("refs/tags/v1.0.0", "v1.0.0"), "trusted");
  for (const tag of ["v1.0.1", "v1.0", "v1.0.0.0", "1.0.0", "V1.0.0", "latest"])
    assert.equal(await from("refs/tags/v1.0.0", tag), MISMATCH, tag);
});

test("R26 an old image, honestly signed, is a mismatch under a new tag", async () => {
  const world = new World();
  const options = (ref: string): BuildOptions => ({
    by: signerOf("app", { sourceRepositoryRef: ref }),
    label: ref,
    base: world.build("base"),
  });
  const old = world.build("app", options("refs/tags/v1.0.0"));
  const now = world.build("app", options("refs/tags/v2.0.0"));
  assert.equal(await under(world, now.image, "v2.0.0"), "trusted");
  assert.equal(await under(world, old.image, "v1.0.0"), "trusted");
  assert.equal(await under(world, old.image, "v2.0.0"), MISMATCH);
});

test("R26 the tag is bound wherever the signature hangs", async () => {
  for (const signed of ["provenance", "provenance-without-index", "index", "attestation-manifest"] as const) {
    assert.equal(await from("refs/tags/v2.0.0", "v2.0.0", undefined, { signed }), "trusted", signed);
    assert.equal(await from("refs/tags/v1.0.0", "v2.0.0", undefined, { signed }), MISMATCH, signed);
  }
});

test("R26 templates say which tags an image may have, and moving ones only where they are listed", async () => {
  const cases: readonly (readonly [templates: string, tag: string, fits: boolean])[] = [
    ['["{version}"]', "1.0.0", true],
    ['["{version}"]', "v1.0.0", false],
    ['["{tag}", "{version}", "edge-{version}"]', "v1.0.0", true],
    ['["{tag}", "{version}", "edge-{version}"]', "1.0.0", true],
    ['["{tag}", "{version}", "edge-{version}"]', "edge-1.0.0", true],
    ['["{tag}", "{version}", "edge-{version}"]', "edge-v1.0.0", false],
    ['["{tag}", "{version}", "edge-{version}"]', "latest", false],
    ['["{tag}", "latest"]', "latest", true],
    ['["{tag}", "latest"]', "Latest", false],
    ['["{tag}", "latest"]', "stable", false],
  ];
  for (const [templates, tag, fits] of cases) {
    const expected = fits ? "trusted" : MISMATCH;
    assert.equal(await from("refs/tags/v1.0.0", tag, tagging(templates)), expected, `${templates} ${tag}`);
  }
});

test("R26 a git tag that makes no image tag stands under none, listed ones neither", async () => {
  const templates = '["{tag}", "latest"]';
  const long = "a".repeat(129);
  for (const gitTag of ["release/1", "1.0+build", "-rc", long]) {
    for (const tag of ["latest", "release-1", "1.0", "rc", long.slice(0, 128)])
      assert.equal(await from(`refs/tags/${gitTag}`, tag, tagging(templates)), MISMATCH, `${gitTag} ${tag}`);
  }
  assert.equal(await from("refs/tags/release-1", "latest", tagging(templates)), "trusted");
});

test("R26 a branch gives no tag, whatever its name", async () => {
  const trust = `    - images: ["ghcr.io/acme/{repo}"]
      github: { repository: "acme/{repo}", owner-id: 1234, workflow: "acme/builder/.github/workflows/build.yml@refs/tags/v*", refs: ["refs/heads/**"] }
      builds: true`;
  const policy = tagging('["{tag}", "latest"]', { trust });
  const free = tagging(undefined, { trust, image: "ghcr.io/acme/other" });
  for (const ref of ["refs/heads/v1.0.0", "refs/heads/refs/tags/v1.0.0", "refs/heads/latest"]) {
    for (const tag of ["v1.0.0", "latest"]) assert.equal(await from(ref, tag, policy), MISMATCH, ref);
    assert.equal(await from(ref, "v1.0.0", free), "trusted", ref);
  }
});

test("R26 only a git tag's full ref gives tags: not its name, nor a ref of another kind, nor none", () => {
  const image = parseReference("ghcr.io/acme/app:x-v1.0.0");
  const fits = (sourceRepositoryRef?: string) => {
    const by = { identity: { kind: "certificate", extensions: { sourceRepositoryRef } } };
    const provenance = { by, record: {} } as unknown as AcceptedProvenance;
    return tagMismatch(tagging('["x-{tag}", "x-v1.0.0"]'), image, [provenance]) === undefined;
  };
  assert.ok(fits("refs/tags/v1.0.0"));
  for (const ref of [
    "refs/tagz/v1.0.0",
    "refs/heads/v1.0.0",
    "REFS/TAGS/v1.0.0",
    "tags/v1.0.0",
    "v1.0.0",
    "",
    undefined,
  ])
    assert.ok(!fits(ref), ref);
  assert.notEqual(tagMismatch(tagging(), image, []), undefined, "nothing says how it was built");
});

test("R26 what is asked by digest alone has no tag to be bound", async () => {
  const world = new World();
  const { image } = world.build("app");
  assert.equal(await under(world, image, undefined), "trusted");
  assert.equal(await under(world, image, "v1.0.0"), "trusted");
  assert.equal(await under(world, image, "v9"), MISMATCH, "a tag beside the digest is a question too");
});

test("R26 a tag is bound only where policy says how that image is built", async () => {
  for (const image of ["ghcr.io/acme/other", "ghcr.io/acme/app/app", "docker.io/acme/app"])
    assert.equal(await from("refs/tags/v1.0.0", "v9", tagging(undefined, { image })), "trusted", image);
  assert.equal(await from("refs/tags/v1.0.0", "v9", policyOf()), "trusted");
  assert.equal(await from("refs/tags/v1.0.0", "v9", tagging()), MISMATCH);
});

test("R26 ancestors stand under whatever tag their children named them by, earlier images of the same name too", async () => {
  const world = new World();
  const base = world.build("base");
  const earlier = world.build("app", {
    by: signerOf("app", { sourceRepositoryRef: "refs/tags/v0.9.0" }),
    label: "earlier",
  });
  const app = world.build("app", { base, inputs: [earlier] });
  const both = policyOf({ trust: "\nbuilds: [{ image: ghcr.io/acme/app }, { image: ghcr.io/acme/base }]" });
  assert.equal(await under(world, app.image, "v1.0.0", both), "trusted");
  assert.equal(await under(world, app.image, "v9", both), MISMATCH);
  assert.equal(await under(world, base.image, "v9", both), MISMATCH);
  assert.equal(await under(world, earlier.image, "v1.0.0", both), MISMATCH);
});

test("R26 a root stands under any tag: policy names the digest itself", async () => {
  const world = new World();
  const { image } = world.build("app");
  const root = (expires: string) =>
    tagging(undefined, {
      trust: `  roots: [{ image: "ghcr.io/acme/app@${image.digest}", reason: looked at, expires: ${expires} }]`,
    });
  assert.equal(await under(world, image, "v9", root("2027-01-01")), "trusted");
  assert.equal(await under(world, image, "v9", root("2020-01-01")), MISMATCH);
});

test("R26 each platform of an index is bound", async () => {
  const refs = ["refs/tags/v1.0.0", "refs/tags/v2.0.0"] as const;
  for (const [first, second] of [
    [refs[0], refs[0]],
    [refs[0], refs[1]],
    [refs[1], refs[0]],
    [refs[1], refs[1]],
  ] as const) {
    const world = new World();
    const builds = [
      world.build("app", { by: signerOf("app", { sourceRepositoryRef: first }) }),
      world.build("app", {
        by: signerOf("app", { sourceRepositoryRef: second }),
        platform: "linux/arm64",
        layers: ["arm64"],
      }),
    ];
    const index = world.index(
      "app",
      builds.map(({ manifest, platform }) => ({ image: manifest, platform: written(platform) })),
    );
    const verdict = await world.judge(index, { policy: tagging(), reference: { ...index, tag: "v1.0.0" } });
    const fits = [first, second].map((ref) => ref === refs[0]);
    assert.deepEqual(
      verdict.platforms.map(({ outcome }) => outcome === "trusted"),
      fits,
    );
    assert.equal(told(verdict), fits.includes(false) ? MISMATCH : "trusted");
    assert.equal(verdict.faults.length, fits.filter((fit) => !fit).length);
  }
});

test("R26 a single manifest without an index is bound like one inside", async () => {
  const world = new World();
  const { manifest } = world.build("app", { signed: "provenance-without-index" });
  assert.equal(await under(world, manifest, "v1.0.0"), "trusted");
  assert.equal(await under(world, manifest, "v2.0.0"), MISMATCH);
});

test("R26 one digest that was built from two git tags stands under both, and under no third", async () => {
  const world = new World();
  const app = world.build("app");
  assert.equal(await under(world, app.image, "v1.0.1"), MISMATCH);
  const again = signerOf("app", { sourceRepositoryRef: "refs/tags/v1.0.1" });
  world.sign(app.manifest, statementOf([app.manifest], SLSA1, app.provenance), again);
  for (const tag of ["v1.0.0", "v1.0.1"]) assert.equal(await under(world, app.image, tag), "trusted", tag);
  assert.equal(await under(world, app.image, "v1.0.2"), MISMATCH);
});

const RECORDS_NOTHING = {
  buildDefinition: {
    buildType: "https://actions.github.io/buildtypes/workflow/v1",
    externalParameters: {},
    resolvedDependencies: [],
  },
  runDetails: { builder: { id: "https://github.com/actions/runner/github-hosted" } },
};

test("R26 what vouches without recording how it was built gives an image no other tag", async () => {
  for (const signed of ["provenance", "index", "attestation-manifest"] as const) {
    const world = new World();
    const app = world.build("app", { signed });
    const later = signerOf("app", {
      sourceRepositoryRef: "refs/tags/v2.0.0",
      runInvocationUri: `${runOf("app")}/attempts/9`,
    });
    for (const on of [app.manifest, app.image, app.attestationManifest ?? app.image])
      world.sign(on, statementOf([on], SIGN), later);
    // As actions/attest-build-provenance writes it: of any file, whoever made it.
    world.sign(app.manifest, statementOf([app.manifest], SLSA1, RECORDS_NOTHING), later);
    assert.equal(await under(world, app.image, "v1.0.0"), "trusted", signed);
    assert.equal(await under(world, app.image, "v2.0.0"), MISMATCH, signed);
  }
});

test("R26 and R17 a statement that isn't accepted gives an image no other tag, and takes none away", async () => {
  const world = new World();
  const app = world.build("app");
  const statement = statementOf([app.manifest], SLSA1, app.provenance);
  world.sign(app.manifest, statement, signerOf("other", { sourceRepositoryRef: "refs/tags/v2.0.0" }));
  assert.equal(await under(world, app.image, "v1.0.0"), "trusted");
  assert.equal(await under(world, app.image, "v2.0.0"), MISMATCH);
});

test("R26 and R9 provenance of a git tag that policy doesn't build from gives no tag", async () => {
  const policy = tagging('["{tag}", "latest"]', { more: ', tags: ["v*"]' });
  assert.equal(await from("refs/tags/v1.0.0", "latest", policy), "trusted");
  assert.equal(await from("refs/tags/w1.0.0", "latest", policy), "untrusted ref");
});

test("R26 a wrong tag is told at the image, with level 0, beside what is wrong below it", async () => {
  const world = new World();
  const app = world.build("app", { base: world.build("base", { signed: "nothing" }) });
  const verdict = await world.judge(app.image, { policy: tagging(), reference: { ...app.image, tag: "v9" } });
  assert.deepEqual(
    verdict.faults.map(({ code, path }) => `${code} ${path.length}`),
    ["tag-mismatch 1", "unattested 2"],
  );
  const [node] = verdict.nodes;
  assert.deepEqual([node?.finding.kind, node?.level], ["mismatch", 0]);
  const [fault] = verdict.faults;
  for (const part of ["v9", "refs/tags/v1.0.0", "builds[0]"]) assert.ok(fault?.reason.includes(part), part);
  assert.match(fault?.mend ?? "", /image-tags/);
});

test("R26 and R15 what couldn't be looked at is undetermined, and with a wrong tag untrusted", async () => {
  const world = new World();
  const base = world.build("base");
  const app = world.build("app", { base });
  world.hide(base.image);
  assert.equal(await under(world, app.image, "v1.0.0"), "undetermined network");
  assert.equal(await under(world, app.image, "v9"), "untrusted network tag-mismatch");
  world.hide(app.image);
  assert.equal(await under(world, app.image, "v9"), "undetermined network");
});

const REF = "refs/tags/v1.0.0";
const BUILT = "1".repeat(40);
const NOW = "2".repeat(40);

/** A verdict on the app under its own tag. */
async function judged(prepare: (world: World, base: PinnedImage) => void = () => {}): Promise<Verdict> {
  const world = new World();
  const base = world.build("base");
  const app = world.build("app", { base });
  prepare(world, base.image);
  return world.judge(app.image, { policy: tagging(), reference: parseReference("ghcr.io/acme/app:v1.0.0") });
}

test("R26 a git tag that moved after the build turns the verdict, on every platform, and nothing else of it", async () => {
  const before = await judged();
  const after = afterTagMoved(before, REF, BUILT, NOW);
  assert.deepEqual([told(before), told(after)], ["trusted", "untrusted git-tag-moved"]);
  assert.deepEqual(
    after.platforms.map(({ outcome }) => outcome),
    ["untrusted"],
  );
  const [fault] = after.faults;
  for (const part of [REF, BUILT, NOW]) assert.ok(fault?.reason.includes(part), part);
  assert.equal(fault?.node, after.platforms[0]?.node);
  assert.deepEqual(
    { ...after, outcome: 0, faults: 0, platforms: 0 },
    { ...before, outcome: 0, faults: 0, platforms: 0 },
  );
});

test("R26 a moved git tag hides nothing of what was wrong or couldn't be looked at before", async () => {
  const wrong = await judged((world, base) => world.manifests.delete(`ghcr.io/acme/base@${base.digest}`));
  assert.equal(told(afterTagMoved(wrong, REF, BUILT, NOW)), "untrusted git-tag-moved manifest-not-found");
  const unseen = await judged((world, base) => world.hide(base));
  assert.equal(unseen.outcome, "undetermined");
  assert.equal(told(afterTagMoved(unseen, REF, BUILT, NOW)), "untrusted git-tag-moved network");
});

test("R26 a moved git tag is told in text and JSON like any other fault", async () => {
  const after = afterTagMoved(await judged(), REF, BUILT, NOW);
  const text = verdictText(after, { colour: false });
  for (const part of ["UNTRUSTED", "git-tag-moved", BUILT, NOW]) assert.ok(text.includes(part), part);
  const document = verdictDocument(after);
  assert.equal(document.verdict, "untrusted");
  assert.deepEqual(
    document.platforms.map(({ verdict }) => verdict),
    ["untrusted"],
  );
  assert.deepEqual(
    document.faults.map(({ code }) => code),
    ["git-tag-moved"],
  );
});
