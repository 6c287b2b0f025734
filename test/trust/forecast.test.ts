import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf } from "../../src/image/digest.ts";
import { parseReference, pin } from "../../src/image/reference.ts";
import { defaultPolicy } from "../../src/trust/policy-default.ts";
import { BeyondLimit, CouldNotLook } from "../../src/trust/ports.ts";
import { forecastOf, other, placeOf, read, stage, toldOf, unresolved, use } from "./dockerfiles.ts";
import { bytesOf, policyOf, World, written } from "./world.ts";

const BASE = "ghcr.io/acme/base:1.0.0";
const roles = (inputs: string, frontends = "attested", more = "") =>
  policyOf({ trust: `  roles: { inputs: ${inputs}, frontends: ${frontends} }\n${more}` });

test("R18 a file from scratch alone is trusted, without parents, level and end", async () => {
  const scratch = read([], { stages: [stage(0, 1, { isScratch: true })] });
  const { outcome, parents, level, validUntil } = await forecastOf(new World(), [scratch]);
  assert.deepEqual([outcome, parents, level, validUntil], ["trusted", [], undefined, undefined]);
});

test("R18 nothing to judge is never trusted, and no mode passes it", async () => {
  const world = new World();
  const base = world.build("base");
  const unreached = use(base.image, { isReached: false });
  const tool = use(base.image, { role: "frontend" });
  const scratchElsewhere = stage(1, 4, { isScratch: true, isReached: false });
  for (const readings of [
    [],
    [read([])],
    [read([unreached])],
    [read([tool])],
    [read([], { stages: [stage(0, 1), scratchElsewhere] })],
    [read([use(base.image)]), read([], { for: "linux/arm64" })],
    [read([], { unresolved: [unresolved("$BASE", { isReached: false })] })],
  ]) {
    const forecast = await forecastOf(world, readings);
    assert.equal(toldOf(forecast), "untrusted base-unknown");
    assert.ok(forecast.faults.every(({ isGrave }) => isGrave));
  }
});

test("R18 where every image is unresolved nothing is trusted, and no mode passes it", async () => {
  const forecast = await forecastOf(new World(), [read([], { unresolved: [unresolved("$BASE", { line: 4 })] })]);
  assert.deepEqual([forecast.outcome, forecast.faults.map(placeOf)], ["untrusted", ["unresolved 4"]]);
  assert.deepEqual(
    forecast.faults.map(({ isGrave }) => isGrave),
    [true],
  );
});

test("what can't be made out is a fault with its line, beside parents that are in order, whatever is asked of its role", async () => {
  const world = new World();
  const base = world.build("base");
  const missing = [
    unresolved("$TOOL", { role: "input", by: "COPY", line: 5 }),
    unresolved("$OTHER", { role: "input", by: "COPY", line: 6, isReached: false }),
  ];
  const forecast = await forecastOf(world, [read([use(base.image)], { unresolved: missing })], {
    policy: roles("allow"),
  });
  assert.deepEqual([forecast.outcome, forecast.faults.map(placeOf)], ["untrusted", ["unresolved 5"]]);
});

test("what the target doesn't reach is nothing", async () => {
  const world = new World();
  const [base, bad] = [world.build("base"), world.build("bad", { signed: "nothing" })];
  const images = [use(base.image), use(bad.image, { line: 4, isReached: false })];
  const others = [other("http", "https://example.org/x", { isReached: false })];
  const forecast = await forecastOf(world, [read(images, { others })]);
  assert.deepEqual([toldOf(forecast), forecast.parents.length], ["trusted", 1]);
});

test("a name is asked for once, whatever number of lines, platforms and roles use it", async () => {
  const world = new World();
  const [amd, arm] = [world.build("base"), world.build("base", { platform: "linux/arm64", layers: ["arm"] })];
  const index = world.index("base", [
    { image: amd.manifest, platform: written(amd.platform) },
    { image: arm.manifest, platform: written(arm.platform) },
  ]);
  const uses = (where: string) => [
    use(BASE, { for: where }),
    use(BASE, { for: where, line: 4, role: "input", by: "COPY" }),
    use(BASE, { for: where, line: 6, role: "input", by: "RUN" }),
  ];
  const asked: string[] = [];
  const readings = ["linux/amd64", "linux/arm64"].map((where) => read(uses(where), { for: where }));
  const forecast = await forecastOf(world, readings, { tags: { [BASE]: index }, asked });
  assert.deepEqual([toldOf(forecast), asked], ["trusted", [BASE]]);
  assert.deepEqual(
    forecast.parents.map(({ role, platform, uses }) => [role, platform.architecture, uses.map(({ line }) => line)]),
    [
      ["base", "amd64", [1]],
      ["input", "amd64", [4, 6]],
      ["base", "arm64", [1]],
      ["input", "arm64", [4, 6]],
    ],
  );
  const reads = world.reads.filter((each) => each.includes(index.digest));
  assert.equal(reads.length, 2, "one walk reads the index once for each platform");
});

test("R15 a tag that isn't there is a fault, and one that couldn't be looked at leaves it undetermined", async () => {
  const world = new World();
  const forecast = (tags: Parameters<typeof forecastOf>[2] & object) => forecastOf(world, [read([use(BASE)])], tags);
  const there = await forecast({ tags: {} });
  assert.deepEqual([toldOf(there), there.faults[0]?.isGrave], ["untrusted tag-not-found", false]);
  const away = await forecast({ tags: { [BASE]: new CouldNotLook("rate-limited", "429") } });
  assert.deepEqual([toldOf(away), away.faults, away.level], ["undetermined rate-limited", [], 0]);
  assert.deepEqual(away.unreachable.map(placeOf), ["rate-limited 1"]);
  const large = await forecast({ tags: { [BASE]: new BeyondLimit("too large") } });
  assert.deepEqual([toldOf(large), large.faults[0]?.isGrave], ["untrusted limit", true]);
});

test("an error that nobody foresaw is no verdict", async () => {
  const tags = { [BASE]: new TypeError("a fault of ours") };
  await assert.rejects(forecastOf(new World(), [read([use(BASE)])], { tags }), TypeError);
});

test("any fault is untrusted, though something else couldn't be looked at", async () => {
  const world = new World();
  const bad = world.build("bad", { signed: "nothing" });
  const images = [use(bad.image), use(BASE, { role: "input", line: 3 })];
  const forecast = await forecastOf(world, [read(images)], { tags: { [BASE]: new CouldNotLook("network", "no") } });
  assert.equal(toldOf(forecast), "untrusted network unattested");
});

test("a platform that a parent doesn't have is a fault of that platform's parent", async () => {
  const world = new World();
  const base = world.build("base");
  const readings = ["linux/amd64", "linux/s390x"].map((where) =>
    read([use(base.image, { for: where })], { for: where }),
  );
  const { outcome, faults, parents } = await forecastOf(world, readings);
  assert.deepEqual([outcome, faults.map(({ code }) => code)], ["untrusted", ["platform-not-found"]]);
  assert.equal(parents[faults[0]?.parent ?? -1]?.platform.architecture, "s390x");
  assert.match(faults[0]?.reason ?? "", /linux\/s390x/);
});

test("R19 inputs are judged, pinned or let in as policy says, and bases are always judged", async () => {
  const world = new World();
  const [base, bad] = [world.build("base"), world.build("bad", { signed: "nothing" })];
  const tags = { "ghcr.io/acme/bad:1": bad.image };
  const of = async (rule: string, name: string | typeof bad.image, role: "base" | "input" | "frontend") => {
    const images = [...(role === "base" ? [] : [use(base.image)]), use(name, { role, line: 5 })];
    const stages = role === "base" ? [stage(0, 5)] : [stage(0, 1)];
    const forecast = await forecastOf(world, [read(images, { stages })], { policy: roles(rule, rule), tags });
    return [toldOf(forecast), forecast.level, forecast.parents.at(-1)?.verdict?.outcome];
  };
  for (const role of ["input", "frontend"] as const) {
    assert.deepEqual(await of("attested", "ghcr.io/acme/bad:1", role), ["untrusted unattested", 0, "untrusted"]);
    assert.deepEqual(await of("pinned", "ghcr.io/acme/bad:1", role), ["untrusted not-pinned", 1, undefined]);
    assert.deepEqual(await of("pinned", bad.image, role), ["trusted", 1, undefined]);
    assert.deepEqual(await of("allow", "ghcr.io/acme/bad:1", role), ["trusted", 3, undefined]);
  }
  for (const rule of ["attested", "pinned", "allow"])
    assert.deepEqual(await of(rule, bad.image, "base"), ["untrusted unattested", 0, "untrusted"]);
});

test("R19 a frontend of anyone's is trusted to read Dockerfiles only where policy looks into it or chooses it", async () => {
  const world = new World();
  const [base, own] = [world.build("base"), world.build("dockerfile")];
  const digest = own.image.digest;
  const of = async (rule: string, name: string, given: Parameters<typeof use>[1] = {}) => {
    const syntax = { role: "frontend", by: "syntax", line: 1, place: { start: 9, end: 20 }, ...given } as const;
    const reading = read([use(name, syntax), use(base.image, { line: 2 })], { stages: [stage(0, 2)] });
    const forecast = await forecastOf(world, [reading], { policy: roles("attested", rule) });
    return [toldOf(forecast), ...forecast.faults.map(placeOf)];
  };
  for (const rule of ["pinned", "allow"]) {
    assert.deepEqual(await of(rule, `ghcr.io/acme/dockerfile@${digest}`), ["untrusted unresolved", "unresolved 1"]);
    for (const name of ["docker.io/evil/docker/dockerfile", "evil.example/docker.io/docker/dockerfile"])
      assert.deepEqual(await of(rule, `${name}@${digest}`), ["untrusted unresolved", "unresolved 1"]);
    for (const name of ["docker/dockerfile", "docker/dockerfile-upstream"])
      assert.deepEqual(await of(rule, `${name}:1@${digest}`), ["trusted"]);
    assert.deepEqual(await of(rule, `ghcr.io/acme/dockerfile@${digest}`, { place: undefined }), ["trusted"]);
    assert.deepEqual(await of(rule, `ghcr.io/acme/dockerfile@${digest}`, { by: "context" }), ["trusted"]);
  }
  assert.deepEqual(await of("attested", `ghcr.io/acme/dockerfile@${digest}`), ["trusted"]);
});

test("R19 the image of a stage from which files are taken is an input, and one that lies underneath a base", async () => {
  const world = new World();
  const bad = world.build("bad", { signed: "nothing" });
  const good = world.build("good");
  const images = [use(bad.image, { line: 1, stage: "build" }), use(good.image, { line: 5, stage: "1" })];
  const policy = roles("allow");
  const of = async (given: Parameters<typeof read>[1], all = images) =>
    toldOf(await forecastOf(world, [read(all, given)], { policy }));
  const build = stage(0, 1, { name: "build" });
  assert.equal(await of({ stages: [build, stage(1, 5)], target: "1" }), "trusted");
  assert.equal(
    await of({ stages: [build, stage(1, 5)], target: "BUILD" }, [images[0] ?? use(BASE)]),
    "untrusted unattested",
  );
  assert.equal(await of({ stages: [build, stage(1, 5), stage(2, 7, { from: 1 })], target: "2" }), "trusted");
  assert.equal(
    await of({ stages: [build, stage(1, 5), stage(2, 7, { from: 0 })], target: "2" }),
    "untrusted unattested",
  );
  // Where it can't be told, every one may lie underneath.
  const swapped = [use(good.image, { line: 1 }), use(bad.image, { line: 5 })];
  const twice = { stages: [build, stage(1, 5, { name: "Build" })], target: "build" };
  assert.equal(await of(twice, swapped), "untrusted unattested");
  assert.equal(await of({ stages: [build, stage(1, 5), stage(2, 7)], target: "2" }), "untrusted unattested");
  assert.equal(await of({ stages: [build, stage(1, 5, { name: "Build" })], target: "build" }), "untrusted unattested");
  assert.equal(await of({ stages: [build, stage(1, 5)], target: "elsewhere" }), "untrusted unattested");
  assert.equal(await of({ stages: [build, stage(1, 5, { from: 1 })], target: "1" }), "untrusted unattested");
});

test("R27 what policy revokes by digest isn't let in by a role that nobody looks into", async () => {
  const world = new World();
  const [base, bad] = [world.build("base"), world.build("bad", { signed: "nothing" })];
  const revoked = `  revoked: [{ digest: "${bad.image.digest}", reason: stolen }]`;
  const name = "ghcr.io/acme/bad:1";
  for (const rule of ["pinned", "allow"]) {
    const of = (used: string | typeof bad.image, tags: Record<string, typeof bad.image | Error>) =>
      forecastOf(world, [read([use(base.image), use(used, { role: "input", line: 2 })])], {
        policy: roles(rule, rule, revoked),
        tags,
      });
    const [tagged, pinned] = [await of(name, { [name]: bad.image }), await of(bad.image, {})];
    assert.deepEqual([toldOf(tagged), toldOf(pinned)], ["untrusted revoked", "untrusted revoked"]);
    assert.ok([...tagged.faults, ...pinned.faults].every(({ isGrave }) => isGrave));
    const away = toldOf(await of(name, { [name]: new CouldNotLook("network", "no") }));
    assert.equal(away, rule === "allow" ? "undetermined network" : "untrusted network not-pinned");
  }
});

test("nobody is asked where a name leads that policy lets in unseen", async () => {
  const world = new World();
  const base = world.build("base");
  const asked: string[] = [];
  const images = [use(base.image), use("ghcr.io/acme/tool:1", { role: "input", line: 2 })];
  const forecast = await forecastOf(world, [read(images)], { policy: roles("allow"), asked });
  assert.deepEqual([toldOf(forecast), asked], ["trusted", []]);
});

test("R5 the default policy takes images of ghcr.io alone", async () => {
  const hub = pin(parseReference("docker.io/library/alpine:3.19"), digestOf(bytesOf("alpine")));
  const world = new World();
  const base = world.build("base");
  const bytes = world.bytes(base.manifest);
  const name = `docker.io/library/base@${base.manifest.digest}`;
  world.manifests.set(name, { bytes, contentType: "" });
  world.candidates.set(name, world.candidates.get(`ghcr.io/acme/base@${base.manifest.digest}`) ?? []);
  assert.equal(toldOf(await forecastOf(world, [read([use(base.image)])], { policy: defaultPolicy })), "trusted");
  assert.equal(toldOf(await forecastOf(world, [read([use(name)])], { policy: defaultPolicy })), "untrusted no-builder");
  assert.equal(
    toldOf(await forecastOf(world, [read([use(hub)])], { policy: defaultPolicy })),
    "untrusted manifest-not-found",
  );
});

test("R16 one name with two digests in one build is a fault that no mode passes, and in builds for two platforms none", async () => {
  const world = new World();
  const [one, two] = [world.build("base"), world.build("base", { label: "two", platform: "linux/arm64" })];
  const at = ({ image }: typeof one) => `${BASE}@${image.digest}`;
  const both = [use(at(one)), use(at(two), { role: "input", line: 4, for: "linux/arm64" })];
  const forecast = await forecastOf(world, [read(both)]);
  assert.deepEqual(forecast.faults.map(placeOf), ["dependencies-disagree 1,4"]);
  assert.ok(forecast.faults.every(({ isGrave }) => isGrave));
  const tagged = [use(at(one)), use(BASE, { role: "input", line: 4, for: "linux/arm64" })];
  for (const policy of [policyOf(), roles("allow")])
    assert.equal(
      toldOf(await forecastOf(world, [read(tagged)], { tags: { [BASE]: two.image }, policy })),
      "untrusted dependencies-disagree",
    );
  const apart = [read([use(at(one))]), read([use(at(two), { for: "linux/arm64" })], { for: "linux/arm64" })];
  assert.equal(toldOf(await forecastOf(world, apart)), "trusted");
});

test("more images than are looked at are a fault with the lines of those that are too many", async () => {
  const world = new World();
  const base = world.build("base");
  const many = Array.from({ length: 520 }, (_, i) => use(`ghcr.io/acme/base:${i}`, { line: i + 1, role: "input" }));
  const asked: string[] = [];
  const tags = Object.fromEntries(many.map((_, i) => [`ghcr.io/acme/base:${i}`, base.image]));
  const { outcome, faults } = await forecastOf(world, [read([use(base.image), ...many])], { tags, asked });
  const limit = faults.find(({ code, lines }) => code === "limit" && lines.length === 9);
  assert.deepEqual([outcome, limit?.isGrave, limit?.lines[0]?.line, asked.length], ["untrusted", true, 512, 511]);
});

test("R20 what goes in beside images is held to policy, with the lines that bring it in", async () => {
  const world = new World();
  const base = world.build("base");
  const of = async (others: Parameters<typeof read>[1], allow: string) => {
    const policy = policyOf({ trust: `  allow: { ${allow} }` });
    const { faults } = await forecastOf(world, [read([use(base.image)], others)], { policy });
    return faults.map(placeOf);
  };
  const url = "https://example.org/tool.tgz";
  const layout = `oci-layout:///srv/store@${base.image.digest}`;
  const others = [
    other("http", url, { line: 2 }),
    other("http", url, { line: 3, isPinned: true }),
    other("git", "https://github.com/acme/x.git", { line: 4 }),
    other("local-context", "docs", { line: 5 }),
    other("network", "apt-get update", { line: 6 }),
    other("network", "apk add", { line: 9 }),
    other("cache", "pip install", { line: 10 }),
    other("privileged", "mount", { line: 11 }),
    other("oci-layout", layout, { line: 12 }),
  ];
  assert.deepEqual(await of({ others }, "network: false, cache: false, privileged: false"), [
    "input-not-checked 2",
    "input-local 5",
    "input-network 6,9",
    "input-cache 10",
    "input-privileged 11",
    "local-image 12",
  ]);
  const all = `network: true, cache: true, privileged: true, local-context: true, http-without-checksum: ["${url}"], layouts: ["${base.image.digest}"]`;
  assert.deepEqual(await of({ others }, all), []);
  assert.deepEqual(await of({ others: [other("oci-layout", "oci-layout:///srv/store:latest")] }, all), [
    "local-image 7",
  ]);
  assert.deepEqual(await of({ others: [other("http", `${url}/../x`)] }, all), ["input-not-checked 7"]);
});

test("a fault of an ancestor stands at the line of the parent that brings it in, with the way there", async () => {
  const world = new World();
  const bad = world.build("bad", { signed: "nothing" });
  const [runtime, tool] = [world.build("runtime", { base: bad }), world.build("tool", { base: bad })];
  const images = [use(runtime.image, { line: 3 }), use(tool.image, { line: 8, role: "input" })];
  const { faults, parents } = await forecastOf(world, [read(images, { stages: [stage(0, 3)] })]);
  assert.deepEqual(faults.map(placeOf), ["unattested 3", "unattested 8"]);
  assert.deepEqual(
    faults.map(({ path }) => path.map(({ role }) => role)),
    [
      [undefined, "base"],
      [undefined, "base"],
    ],
  );
  assert.deepEqual(
    faults.map(({ parent = -1 }) => parents[parent]?.reference.repository),
    ["acme/runtime", "acme/tool"],
  );
});

test("where the tag beside a digest leads elsewhere, what is there is judged by itself and changes nothing", async () => {
  const world = new World();
  const [base, next] = [world.build("base"), world.build("base", { label: "next" })];
  const bad = world.build("base", { label: "bad", signed: "nothing" });
  const image = use(`${BASE}@${base.image.digest}`);
  const of = async (
    found: typeof base.image | Error | undefined,
    newer = true,
    policy = policyOf(),
    role = "base" as "base" | "input",
  ) => {
    const images = role === "base" ? [image] : [use(base.image), { ...image, role, line: 2 }];
    const tags = found === undefined ? {} : { [BASE]: found };
    const forecast = await forecastOf(world, [read(images)], { tags, options: { newer }, policy });
    return [forecast.outcome, forecast.parents.at(-1)?.newer?.outcome];
  };
  assert.deepEqual(await of(next.image), ["trusted", "trusted"]);
  assert.deepEqual(await of(bad.image), ["trusted", "untrusted"]);
  assert.deepEqual(await of(next.image, false), ["trusted", undefined]);
  for (const nothing of [base.image, undefined, new CouldNotLook("network", "no")])
    assert.deepEqual(await of(nothing), ["trusted", undefined]);
  // Nobody asks policy what it thinks of a pinned input; whoever moves the pin wants to know.
  for (const rule of ["pinned", "allow"])
    assert.deepEqual(await of(bad.image, true, roles(rule), "input"), ["trusted", "untrusted"]);
});
