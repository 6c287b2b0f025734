import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { test } from "node:test";
import { imageRecording } from "../../src/attestation/build-type.ts";
import { parseProvenance } from "../../src/attestation/provenance.ts";
import { parseStatement } from "../../src/attestation/statement.ts";
import { formatPlatform } from "../../src/image/platform.ts";
import { bytesOf, shared } from "../image/shared.ts";
import { baseOf, claimsOf, hex } from "./documents.ts";

const samples = shared("samples/buildkit");
const B = "127.0.0.1:5000/base:1.0.0";

/** What each Dockerfile says, in short: the base, and the other images by role; digests are compared with the dependency list. */
const expected: Readonly<Record<string, { readonly base: string; readonly others?: readonly string[] }>> = {
  "base-scratch-slsa02": { base: "scratch" },
  "base-scratch-slsa1": { base: "scratch" },
  "base-two-platforms": { base: "scratch" },
  "child-default-flags": { base: "unknown", others: [`input ${B}`] },
  "child-docker26-asked-slsa1": { base: B },
  "child-docker26-slsa02": { base: B },
  "child-of-debian": { base: "docker.io/library/debian:bookworm-slim" },
  "child-slsa02": { base: B },
  "child-slsa02-min": { base: "unknown", others: [`input ${B}`] },
  "child-slsa02-network-host": { base: B },
  "child-slsa02-network-none": { base: B },
  "child-slsa1": { base: B },
  "child-slsa1-builder-id": { base: B },
  "child-two-platforms": { base: "127.0.0.1:5000/mp:t" },
  "from-add-url": { base: B },
  "from-arg": { base: B },
  "from-digest": { base: "127.0.0.1:5000/base" },
  "from-ghcr": { base: "ghcr.io/acme/base:2" },
  "from-git-checkout": { base: B },
  "from-hub": { base: "docker.io/library/alpine:3.19" },
  "from-hub-full-name": { base: "docker.io/library/alpine:3.19" },
  "from-hub-namespace": { base: "docker.io/bitnami/node:20" },
  "from-hub-no-tag": { base: "docker.io/library/busybox:latest" },
  "from-localhost": { base: "localhost:5000/base:1.0.0" },
  "from-multi-stage": {
    base: B,
    others: [
      "input 127.0.0.1:5000/base:slsa-v1",
      "input 127.0.0.1:5000/child-host:1.0.0",
      "input 127.0.0.1:5000/child:1.0.0",
    ],
  },
  "from-no-tag": { base: "127.0.0.1:5000/base:latest" },
  "from-platform-flag": { base: B, others: [`input ${B}`] },
  "from-scratch-only": { base: "scratch" },
  "from-tag-and-digest": { base: B },
};

test("tells the base and the roles of every build that BuildKit recorded for us", samples, () => {
  const files = globSync("*/manifest*.layer*.json", { cwd: samples.path }).sort();
  assert.deepEqual(new Set(files.map((file) => dirname(file))), new Set(Object.keys(expected)));
  for (const file of files) {
    const provenance = parseProvenance(parseStatement(readFileSync(join(samples.path, file))));
    const record = provenance && imageRecording(provenance);
    assert.ok(record, file);
    const { base, others = [] } = expected[dirname(file)] ?? { base: "" };
    const found = claimsOf(record).map((claim) => claim.split(" ").slice(0, 2).join(" "));
    assert.deepEqual(
      found,
      [...(base === "scratch" || base === "unknown" ? [] : [`base ${base}`]), ...others].sort(),
      file,
    );
    assert.equal(baseOf(record).split(" ")[0], base, file);

    const images = provenance.dependencies.filter(({ uri }) => uri.startsWith("pkg:"));
    const digests = new Set(record.parents.map(({ digest }) => digest));
    assert.deepEqual(digests, new Set(images.map(({ digest }) => `sha256:${digest.sha256}`)), file);
    const [named] = record.parents;
    if (record.base.kind === "image") assert.ok(digests.has(record.base.digest) && named?.platform, file);
    assert.deepEqual([record.unresolved, record.disagreements, provenance.unknownParameters], [[], [], []], file);
    // All of them were built from a directory.
    assert.equal(record.complete, false);
    assert.equal(record.source, undefined);
    assert.ok(record.otherInputs.some(({ kind }) => kind === "local"));
  }
});

const recordOfSample = (name: string) => {
  const provenance = parseProvenance(parseStatement(readFileSync(join(samples.path, name))));
  const record = provenance && imageRecording(provenance);
  if (record === undefined) throw new Error(`${name} records no images`);
  return record;
};

test("R20 tells the network that commands had, and files that were fetched", samples, () => {
  const networks = (name: string) =>
    recordOfSample(`${name}/manifest1.layer0.json`).otherInputs.filter(({ kind }) => kind === "network");
  assert.deepEqual(networks("child-slsa02"), [{ kind: "network", mode: "sandbox", steps: 1 }]);
  assert.deepEqual(networks("child-slsa02-network-host"), [{ kind: "network", mode: "host", steps: 1 }]);
  assert.deepEqual(networks("child-slsa02-network-none"), [{ kind: "network", mode: "none", steps: 1 }]);
  const [file] = recordOfSample("from-add-url/manifest1.layer0.json").otherInputs;
  assert.ok(file?.kind === "http" && file.digest !== undefined && file.checksum === undefined);
});

test("tells which bases were pinned, and for which platform", samples, () => {
  const pinned = (name: string) => recordOfSample(`${name}/manifest1.layer0.json`).parents.map((claim) => claim.pinned);
  assert.deepEqual(
    [pinned("from-digest"), pinned("from-tag-and-digest"), pinned("from-no-tag")],
    [[true], [true], [false]],
  );
  const platforms = ["2", "3"].map((digit) => {
    const { base } = recordOfSample(`child-two-platforms/manifest${digit}.layer0.json`);
    return base.kind === "image" && base.platform && formatPlatform(base.platform);
  });
  assert.deepEqual(platforms, ["linux/amd64", "linux/arm64"]);
});

test("the layer map explains every layer of the image, from the base's up", samples, () => {
  let explained = 0;
  for (const folder of Object.keys(expected)) {
    const record = recordOfSample(
      `${folder}/manifest1.layer0.json`.replace(/^((?:base|child)-two-platforms\/manifest)1/, "$12"),
    );
    if (record.layerMap === undefined) continue;
    const manifest = JSON.parse(readFileSync(join(samples.path, folder, "manifest0.json"), "utf8")) as {
      layers: { digest: string }[];
    };
    assert.deepEqual(record.layerMap, [manifest.layers.map(({ digest }) => digest)], folder);
    assert.ok((record.steps ?? 0) <= manifest.layers.length, folder);
    explained++;
  }
  assert.ok(explained >= 20, `${explained} layer maps`);
});

const corpus = shared("corpora/provenance-samples/statements");

/** By id: the base, the claims, and the source's commit; undefined for what is no provenance, "opaque" for other build types. */
const statements: Readonly<
  Record<
    string,
    { readonly base: string; readonly claims: readonly string[]; readonly source?: string } | "opaque" | undefined
  >
> = {
  ...Object.fromEntries(
    [
      "033c823d3118f755",
      "8b13cd87defdece3",
      "9509deb9f1dc6269",
      "9f3f491396fc2bba",
      "ca7c2c66c62df9f9",
      "ccd5d10445fbbc31",
      "d4fd0f0db5e5053c",
    ].map((id) => [
      id,
      { base: "docker.io/library/busybox:latest", claims: ["base docker.io/library/busybox:latest"] },
    ]),
  ),
  ...Object.fromEntries(
    ["42607f567a89aa30", "4be7a4955149299e", "8c2117deff87a313"].map((id) => [
      id,
      {
        base: "scratch",
        claims: [
          "frontend docker.io/docker/dockerfile:1",
          "input docker.io/library/alpine:latest",
          "input docker.io/tonistiigi/xx:1.4.0",
        ],
      },
    ]),
  ),
  ...Object.fromEntries(
    ["c5443c2345397883", "ecc267a2d6fb1ecb"].map((id) => [
      id,
      {
        base: "scratch",
        claims: ["input docker.io/library/alpine:latest", "tool docker.io/docker/buildkit-syft-scanner:stable-1"],
        source: "bdb96fcfe8cc9e3a54800bc2537a4d4a14f0c5fe",
      },
    ]),
  ),
  ...Object.fromEntries(
    [
      ["cfcc9abbd17e84a0", "d37a7f740ee7404914456f24dcd90e865a0509e8"],
      ["edc934759a4ddaf0", "693130cb6cb840a7bc9cb18c6510d536a95dc7e6"],
    ].map(([id = "", source]) => [
      id,
      { base: "unknown", claims: ["input docker.io/library/golang:1.21", "input gcr.io/distroless/static"], source },
    ]),
  ),
  ...Object.fromEntries(
    ["10106fc7826c070e", "3ecc3b82223a1c75", "45f21bef0c2aba34", "f93191c45ef6371c"].map((id) => [id, "opaque"]),
  ),
  // Container-based: the image that the build ran in, and no word of others.
  ...Object.fromEntries(
    ["4c797bd124637302", "6bb7677febe7268d", "e1dce1265abad4c1"].map((id) => [
      id,
      { base: "unknown", claims: ["input docker.io/library/bash"] },
    ]),
  ),
  "7d323b61557ef5ab": undefined,
  "7e94a7441549d4b4": undefined,
  "92759cb909a78c6b": undefined,
  "99e8ffe5b3fb59f7": undefined,
  aea6e710f87b639c: undefined,
};

test("reads every provenance that others published, and tells what it records", corpus, () => {
  const files = globSync("*.json", { cwd: corpus.path }).sort();
  assert.deepEqual(
    files.map((file) => basename(file, ".json")),
    Object.keys(statements).sort(),
  );
  assert.equal(files.length, 26);
  for (const file of files) {
    const document = JSON.parse(readFileSync(join(corpus.path, file), "utf8")) as { _type: string };
    // Those out of build records are bare predicates, with a note in place of the type.
    const bare = document._type.startsWith("(");
    const whole = bare
      ? { ...document, _type: "https://in-toto.io/Statement/v1", subject: [{ digest: { sha256: hex("0") } }] }
      : document;
    const provenance = parseProvenance(parseStatement(bytesOf(whole)));
    const wanted = statements[basename(file, ".json")];
    assert.equal(provenance === undefined, wanted === undefined, file);
    const record = provenance && imageRecording(provenance);
    assert.equal(record === undefined, wanted === undefined || wanted === "opaque", file);
    if (record === undefined || wanted === undefined || wanted === "opaque") continue;
    assert.equal(baseOf(record).split(" ")[0], wanted.base, file);
    assert.deepEqual(
      claimsOf(record).map((claim) => claim.split(" ").slice(0, 2).join(" ")),
      wanted.claims,
      file,
    );
    assert.equal(record.source?.commit, wanted.source, file);
    assert.equal(record.complete, wanted.source !== undefined, file);
    // What another type than BuildKit's calls its parameters nobody here knows.
    const unknown = provenance?.buildkit === undefined ? [] : provenance.unknownParameters;
    assert.deepEqual([record.unresolved, record.disagreements, unknown], [[], [], []], file);
  }
});

const docs = shared("corpora/buildkit/docs/attestations");

test("reads the statements of BuildKit's own documentation", docs, () => {
  const text = readFileSync(join(docs.path, "slsa-provenance.md"), "utf8");
  const examples = [...text.matchAll(/```json\n([\s\S]*?)```/g)]
    .map(([, json = ""]) => json)
    .filter((json) => json.includes("_type"));
  assert.ok(examples.length > 0);
  for (const example of examples) {
    const provenance = parseProvenance(parseStatement(bytesOf(example)));
    const record = provenance && imageRecording(provenance);
    assert.ok(record);
    // Its steps are cut down to their ids: what they rest on can't be told.
    assert.equal(record.base.kind, "unknown");
    assert.deepEqual(
      claimsOf(record).map((claim) => claim.split(" ")[1]),
      ["docker.io/library/alpine:latest"],
    );
  }
});
