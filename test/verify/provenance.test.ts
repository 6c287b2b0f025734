import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { VerdictDocument } from "../../src/report/json.ts";
import { rootfs } from "../world/build.ts";
import { publish } from "../world/chain.ts";
import { toolchain } from "../world/toolchain.ts";
import { told } from "./command.ts";
import { scene } from "./scene.ts";

const stage = await scene();
const BUILDER = ".github/workflows/build.yml@refs/tags/v1";

/** The levels by repository name: `base: 2, runtime: 2`. */
function levels({ nodes }: VerdictDocument): Record<string, number> {
  return Object.fromEntries(
    nodes.map(({ reference, level }) => [/\/([a-z]+):/.exec(reference)?.[1] ?? reference, level]),
  );
}

for (const platforms of [undefined, ["linux/amd64", "linux/arm64"]]) {
  for (const version of ["v1", "v0.2"] as const) {
    const what = `SLSA ${version} provenance and ${platforms?.length ?? 1} platform(s)`;

    test(`R16 R18 trusts base, runtime and app built with mode=max, ${what}, at the level of an isolated builder`, async (t) => {
      const world = await toolchain(t);
      if (!world) return;
      const step = {
        build: { provenance: { version, mode: "max" } },
        run: { jobWorkflowRef: `acme/builder/${BUILDER}` },
      } as const;
      const made = await stage.chain(world, {
        ...(platforms && { platforms }),
        spoil: { base: step, runtime: step, app: step },
      });
      const policy = stage.policy(world, made.namespace, { workflow: `acme/builder/${BUILDER}` });
      const { exit, verdict } = await stage.verify(made.app.image, policy);
      assert.deepEqual([exit, verdict.verdict, told(verdict)], [0, "trusted", []]);
      assert.deepEqual(levels(verdict), { app: 3, runtime: 3, base: 3 });
      assert.equal(verdict.nodes.length, 3 * (platforms?.length ?? 1));
      assert.deepEqual(
        verdict.platforms.map(({ verdict: each }) => each),
        (platforms ?? ["host"]).map(() => "trusted"),
      );
      for (const node of verdict.nodes) {
        assert.equal(node.fromScratch, node.parents.length === 0);
        assert.equal(node.seam, node.fromScratch ? null : "proven");
        assert.equal(node.sourceProven, true);
      }
    });

    test(`R16 trusts mode=min above a base with mode=max, ${what}, as list only: level 2 at most`, async (t) => {
      const world = await toolchain(t);
      if (!world) return;
      const run = { jobWorkflowRef: `acme/builder/${BUILDER}` };
      const min = { build: { provenance: { version, mode: "min" } }, run } as const;
      const made = await stage.chain(world, {
        ...(platforms && { platforms }),
        spoil: { base: { build: { provenance: { version, mode: "max" } }, run }, runtime: min, app: min },
      });
      const policy = stage.policy(world, made.namespace, { workflow: `acme/builder/${BUILDER}` });
      const { exit, verdict } = await stage.verify(made.app.image, policy);
      assert.deepEqual([exit, told(verdict)], [0, []]);
      assert.deepEqual(levels(verdict), { app: 2, runtime: 2, base: 3 });
      assert.equal(verdict.level, 2);
    });

    test(`R18 finds a base with mode=min opaque, ${what}: FROM scratch isn't proven`, async (t) => {
      const world = await toolchain(t);
      if (!world) return;
      const made = await stage.chain(world, {
        ...(platforms && { platforms }),
        spoil: { base: { build: { provenance: { version, mode: "min" } } } },
      });
      const { exit, verdict } = await stage.verify(made.runtime.image, stage.policy(world, made.namespace));
      assert.equal(exit, 1);
      assert.deepEqual(
        told(verdict),
        (platforms ?? ["host"]).map(() => "list-only: runtime → base base"),
      );
      const kinds = verdict.nodes.map(({ finding }) => finding.kind);
      assert.deepEqual([...new Set(kinds)], ["attested", "opaque"]);
    });
  }
}

test("R29 grants level 2 at most to whoever builds with a workflow of their own source", async (t) => {
  const world = await toolchain(t);
  if (!world) return;
  const made = await stage.chain(world);
  const { exit, verdict } = await stage.verify(made.app.image, stage.policy(world, made.namespace, { level: 3 }));
  assert.deepEqual([exit, verdict.level, verdict.levels], [0, 2, { 2: 3 }]);
});

test("R21 trusts two platforms whose bases have the same layers", async (t) => {
  const world = await toolchain(t);
  if (!world) return;
  const made = await stage.chain(world, {
    platforms: ["linux/amd64", "linux/arm64"],
    spoil: {
      base: { files: { Dockerfile: "FROM scratch\nADD rootfs.tar.gz /\n", "rootfs.tar.gz": await rootfs(world) } },
    },
  });
  const { exit, verdict } = await stage.verify(made.app.image, stage.policy(world, made.namespace));
  assert.deepEqual([exit, told(verdict)], [0, []]);
});

test("judges one platform of two where one is asked for, and names the image's platforms where it has none such", async (t) => {
  const world = await toolchain(t);
  if (!world) return;
  const made = await stage.chain(world, { platforms: ["linux/amd64", "linux/arm64"] });
  const policy = stage.policy(world, made.namespace);
  const one = await stage.verify(made.app.image, policy, ["--platform", "linux/arm64"]);
  assert.equal(one.exit, 0);
  assert.deepEqual(
    one.verdict.platforms.map(({ platform }) => platform),
    ["linux/arm64"],
  );
  assert.ok(one.verdict.nodes.every(({ platform }) => platform === "linux/arm64"));
  const none = await stage.verify(made.app.image, policy, ["--platform", "linux/riscv64"]);
  assert.deepEqual([none.exit, told(none.verdict)], [1, ["platform-not-found: app"]]);
});

test("R30 tells of a platform that policy leaves out, without effect on the verdict", async (t) => {
  const world = await toolchain(t);
  if (!world) return;
  const made = await stage.chain(world, {
    platforms: ["linux/amd64", "linux/arm64"],
    spoil: { base: { attach: { indexStatement: false, platformProvenance: false } } },
  });
  const { base } = made;
  const arm = base.platforms.find(({ platform }) => platform === "linux/arm64");
  const root = `roots: [{ image: "${base.image.replace(/:[^:]*$/, "")}@${arm?.manifest}", reason: "looked at it", expires: 2099-01-01 }]`;
  const narrow = stage.policy(world, made.namespace, { trust: [root, "platforms: [linux/arm64]"] });
  const wide = stage.policy(world, made.namespace, { trust: [root] });
  const trusted = await stage.verify(made.app.image, narrow);
  assert.equal(trusted.exit, 0);
  assert.deepEqual(
    trusted.verdict.platforms.map(({ platform, verdict, counts }) => [platform, verdict, counts]),
    [
      ["linux/amd64", "untrusted", false],
      ["linux/arm64", "trusted", true],
    ],
  );
  assert.equal((await stage.verify(made.app.image, wide)).exit, 1);
});

test("R18 finds an image built from a local directory opaque, where the same from git is trusted", async (t) => {
  const world = await toolchain(t);
  if (!world) return;
  const directory = mkdtempSync(join(tmpdir(), "local-context-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const files = { Dockerfile: "FROM scratch\nCOPY file /file\n", file: "content\n" };
  for (const [name, content] of Object.entries(files)) writeFileSync(join(directory, name), content);
  const namespace = `local-${randomBytes(4).toString("hex")}`;
  const at = { toolchain: world, sigstore: stage.sigstore, git: stage.git, namespace };
  const local = await publish(at, { name: "local", files, build: { localContext: directory } });
  const fromGit = await publish(at, { name: "git", files });
  const policy = stage.policy(world, namespace);
  const opaque = await stage.verify(local.image, policy);
  assert.deepEqual([opaque.exit, told(opaque.verdict)], [1, ["incomplete: local"]]);
  assert.equal((await stage.verify(fromGit.image, policy)).exit, 0);
});
