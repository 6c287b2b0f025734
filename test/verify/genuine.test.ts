import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { after, test } from "node:test";
import { z } from "zod";
import { shared } from "../image/shared.ts";
import { type OciRegistry, startOciRegistry } from "../world/oci-registry.ts";
import { told, verify } from "./command.ts";
import { temporaryFiles } from "./temporary-files.ts";

const corpus = shared("corpora/slsa-verifier/cli/slsa-verifier/testdata/gha_generic_container");
const REPOSITORY = "slsa-framework/example-package";
const GENERATOR = "slsa-framework/slsa-github-generator/.github/workflows/generator_container_slsa3.yml";

const write = temporaryFiles();
const registry = await startOciRegistry();
after(() => registry.close());

interface PolicyOptions {
  readonly repository?: string;
  readonly workflow?: string;
  readonly ownerId?: number;
  readonly builds?: boolean;
  readonly trust?: string;
}

function policy(version: string, options: PolicyOptions = {}): string {
  const { repository = REPOSITORY, workflow = `${GENERATOR}@refs/tags/${version}` } = options;
  return write(
    "policy.yml",
    `version: 1
trust:
  builders:
    - images: ["${registry.host}/${REPOSITORY}"]
      github: { repository: ${repository}, owner-id: ${options.ownerId ?? 80431187}, workflow: "${workflow}" }
      level: 3
      builds: ${options.builds ?? false}
${options.trust ?? ""}`,
  );
}

const Layout = z.object({
  manifests: z.array(
    z.object({ digest: z.string(), mediaType: z.string(), annotations: z.object({ kind: z.string() }) }),
  ),
});

/** Puts a layout that cosign saved into a registry as it was before: image under its digest, attestations under cosign's tag. */
function load(into: OciRegistry, version: string): string {
  const directory = `${corpus.path}/${version}/container_workflow_dispatch`;
  const layout = Layout.parse(JSON.parse(readFileSync(`${directory}/index.json`, "utf8")));
  const image = layout.manifests.find(({ annotations }) => annotations.kind === "dev.cosignproject.cosign/imageIndex");
  const attestations = layout.manifests.find(({ annotations }) => annotations.kind === "dev.cosignproject.cosign/atts");
  assert.ok(image && attestations);
  const names = readdirSync(`${directory}/blobs/sha256`);
  assert.ok(names.length > 0);
  for (const name of names) {
    const bytes = readFileSync(`${directory}/blobs/sha256/${name}`);
    into.putBlob(REPOSITORY, bytes);
    const mediaType = mediaTypeOf(bytes);
    if (mediaType !== undefined) into.putManifest(REPOSITORY, bytes, mediaType);
  }
  const bytes = readFileSync(`${directory}/blobs/sha256/${attestations.digest.slice(7)}`);
  into.putManifest(REPOSITORY, bytes, attestations.mediaType, `sha256-${image.digest.slice(7)}.att`);
  assert.equal(image.digest, readFileSync(`${directory}.digest`, "utf8").trim());
  return `${into.host}/${REPOSITORY}@${image.digest}`;
}

function mediaTypeOf(bytes: Buffer): string | undefined {
  if (bytes[0] !== 0x7b) return undefined;
  const { mediaType, layers, manifests } = JSON.parse(bytes.toString());
  return layers === undefined && manifests === undefined ? undefined : mediaType;
}

test("the corpus has both layouts", { skip: corpus.skip }, () => {
  assert.deepEqual(readdirSync(corpus.path).sort(), ["v1.10.0", "v2.0.0"]);
});

for (const version of ["v1.10.0", "v2.0.0"]) {
  test(`R11 accepts the generator's genuine signature (${version}), and finds the image opaque: the generator doesn't build it`, {
    skip: corpus.skip,
  }, async () => {
    const { exit, verdict } = await verify(load(registry, version), ["--policy", policy(version)]);
    assert.deepEqual([exit, told(verdict)], [1, ["containment: example-package"]]);
    const [node] = verdict.nodes;
    assert.equal(verdict.nodes.length, 1);
    assert.equal(node?.finding.kind, "opaque");
    assert.match(node.finding.reason ?? "", /doesn't say that this signer builds \(builds: true\)/);
    assert.deepEqual(
      node.statements.map(({ signer, sourceRepository, sourceRef }) => [signer, sourceRepository, sourceRef]),
      [
        [
          `https://github.com/${GENERATOR}@refs/tags/${version}`,
          `https://github.com/${REPOSITORY}`,
          "refs/tags/v13.0.30",
        ],
      ],
    );
    assert.deepEqual(node.refusals, []);
  });

  test(`R27 trusts that image (${version}) where policy names it as a root`, { skip: corpus.skip }, async () => {
    const image = load(registry, version);
    const trust = `  roots: [{ image: "${image}", reason: "looked at it", expires: 2099-01-01 }]\n`;
    const { exit, verdict } = await verify(image, ["--policy", policy(version, { trust })]);
    assert.deepEqual([exit, verdict.nodes.map(({ finding }) => finding.kind)], [0, ["root"]]);
  });

  test(`R11 R16 finds what BuildKit recorded of its ancestors (${version}) if the signer is said to build, and doesn't trust them unseen`, {
    skip: corpus.skip,
  }, async () => {
    const { exit, verdict } = await verify(load(registry, version), ["--policy", policy(version, { builds: true })]);
    // With a network they are found unsigned, without one they can't be looked at; neither is trust.
    assert.ok(exit === 1 || exit === 3, `exit ${exit}`);
    assert.notEqual(verdict.verdict, "trusted");
    const names = verdict.nodes[0]?.parents.map(({ node }) => /[a-z.]+\/[a-z/]+/.exec(node)?.[0]).sort();
    assert.deepEqual(names, ["docker.io/library/golang", "gcr.io/distroless/static"]);
    const open = [...verdict.faults, ...verdict.unreachable];
    assert.ok(open.length > 0);
    for (const { reason, code } of open) assert.ok(reason !== "" && code !== "");
  });

  test(`judges that image (${version}) on disk as in a registry, without any connection`, {
    skip: corpus.skip,
  }, async () => {
    const layout = `oci:${corpus.path}/${version}/container_workflow_dispatch`;
    const args = ["--offline", "--as", `${registry.host}/${REPOSITORY}`];
    const before = registry.requests.length;
    const { exit, verdict } = await verify(layout, ["--policy", policy(version), ...args]);
    assert.deepEqual([exit, told(verdict)], [1, ["containment: example-package"]]);
    assert.equal(verdict.image.digest, readFileSync(`${layout.slice(4)}.digest`, "utf8").trim());
    assert.deepEqual(verdict.image.origin, { place: layout, namedBy: "asker" });
    const [node] = verdict.nodes;
    assert.deepEqual(
      node?.statements.map(({ signer }) => signer),
      [`https://github.com/${GENERATOR}@refs/tags/${version}`],
    );
    assert.deepEqual(node?.refusals, []);
    const builds = await verify(layout, ["--policy", policy(version, { builds: true }), ...args]);
    assert.deepEqual([builds.exit, [...new Set(builds.verdict.unreachable.map(({ code }) => code))]], [3, ["offline"]]);
    assert.equal(registry.requests.length, before, "nothing was asked");
  });

  const near: Readonly<Record<string, { readonly code: string; readonly options: PolicyOptions }>> = {
    "another source": { code: "source-repository", options: { repository: `${REPOSITORY}A` } },
    "a source whose name is the beginning": {
      code: "source-repository",
      options: { repository: REPOSITORY.slice(0, -1) },
    },
    "another owner id": { code: "owner-id", options: { ownerId: 80431188 } },
    "another version of the generator": { code: "workflow", options: { workflow: `${GENERATOR}@refs/tags/v1.9.0` } },
    "another workflow of the generator": {
      code: "workflow",
      options: { workflow: `${GENERATOR.replace("container", "generic")}@refs/tags/${version}` },
    },
  };
  for (const [what, { code, options }] of Object.entries(near)) {
    test(`R4 refuses the genuine signature (${version}) under a policy for ${what}`, {
      skip: corpus.skip,
    }, async () => {
      const args = ["--policy", policy(version, options)];
      const { exit, verdict } = await verify(load(registry, version), args);
      assert.deepEqual([exit, told(verdict)], [1, [`${code}: example-package`]]);
      // The other version would show the same, and each run takes its second.
      if (version !== "v2.0.0") return;
      const layout = `oci:${corpus.path}/${version}/container_workflow_dispatch`;
      const onDisk = await verify(layout, [...args, "--offline", "--as", `${registry.host}/${REPOSITORY}`]);
      assert.deepEqual([onDisk.exit, told(onDisk.verdict)], [1, [`${code}: example-package`]]);
    });
  }
}

test("R13 refuses a genuine signature that hangs on another image", { skip: corpus.skip }, async (t) => {
  const mixed = await startOciRegistry();
  t.after(() => mixed.close());
  load(mixed, "v1.10.0");
  const image = load(mixed, "v2.0.0");
  const tag = (text: string) => `sha256-${text.slice(-64)}.att`;
  const stolen = mixed.readTag(REPOSITORY, tag(load(registry, "v1.10.0")));
  const attestations = readFileSync(
    `${corpus.path}/v1.10.0/container_workflow_dispatch/blobs/sha256/${stolen?.slice(7)}`,
  );
  mixed.putManifest(REPOSITORY, attestations, "application/vnd.oci.image.manifest.v1+json", tag(image));
  const text = readFileSync(policy("v1.10.0"), "utf8").replace(registry.host, mixed.host);
  const { exit, verdict } = await verify(image, ["--policy", write("mixed.yml", text)]);
  assert.deepEqual([exit, told(verdict)], [1, ["subject-mismatch: example-package"]]);
});

test("refuses the genuine signature under another trusted root", { skip: corpus.skip }, async () => {
  const root = shared("corpora/trusted-roots").path;
  const [staging] = readdirSync(root).filter((name) => name.startsWith("sigstore-staging"));
  const args = ["--policy", policy("v2.0.0"), "--trusted-root", `${root}/${staging}`];
  const { exit, verdict } = await verify(load(registry, "v2.0.0"), args);
  assert.equal(exit, 1);
  assert.deepEqual(
    verdict.nodes.map(({ finding }) => finding.kind),
    ["refused"],
  );
});
