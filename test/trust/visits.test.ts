import assert from "node:assert/strict";
import { test } from "node:test";
import type { PinnedImage } from "../../src/image/reference.ts";
import { type WalkPorts, walkAncestry } from "../../src/trust/ancestry.ts";
import type { OwnBuild } from "../../src/trust/own-build.ts";
import { openVisits } from "../../src/trust/visits.ts";
import { AS_OF, commitOf, policyOf, World } from "./world.ts";

/** Something that others wait for. */
function gate() {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, opened };
}

/** The ports of a world, with a word before each read of a manifest and each listing; both wait for its end. */
function portsOf(
  world: World,
  before: (what: "manifest" | "listing", image: PinnedImage) => Promise<void> | undefined,
): WalkPorts {
  const ports = world.ports();
  return {
    ...ports,
    images: {
      ...ports.images,
      readManifest: async (image) => {
        await before("manifest", image);
        return ports.images.readManifest(image);
      },
    },
    attestations: {
      listAttestations: async (image) => {
        await before("listing", image);
        return ports.attestations.listAttestations(image);
      },
    },
  };
}

test("a parent's parents are looked at while its sibling still lets wait", async () => {
  const world = new World();
  const grandparent = world.build("grandparent");
  const sibling = world.build("sibling");
  const parent = world.build("parent", { base: grandparent });
  const app = world.build("app", { base: parent, inputs: [sibling] });
  const { open, opened } = gate();
  // With a walk that waits for whole generations this never ends.
  const ports = portsOf(world, (what, { digest }) => {
    if (what === "manifest" && digest === grandparent.manifest.digest) open();
    return what === "listing" && digest === sibling.manifest.digest ? opened : undefined;
  });
  const { nodes } = await walkAncestry(ports, policyOf(), app.image, "every", AS_OF);
  assert.deepEqual(
    [...nodes.values()].map(({ finding }) => finding.kind),
    ["attested", "attested", "attested", "attested"],
  );
});

test("what was signed about an image is looked for while the image itself is read", async () => {
  const world = new World();
  const app = world.build("app");
  const { open, opened } = gate();
  const ports = portsOf(world, (what, { digest }) => {
    if (what === "listing" && digest === app.manifest.digest) open();
    return what === "manifest" && digest === app.manifest.digest ? opened : undefined;
  });
  const { nodes } = await walkAncestry(ports, policyOf(), app.image, "every", AS_OF);
  assert.equal([...nodes.values()][0]?.finding.kind, "attested");
});

test("provenance inside an index is read while the platform's image is", async () => {
  const world = new World();
  const app = world.build("app", { signed: "index" });
  const { open, opened } = gate();
  const ports = portsOf(world, (what, { digest }) => {
    if (what === "manifest" && digest === app.attestationManifest?.digest) open();
    return what === "manifest" && digest === app.manifest.digest ? opened : undefined;
  });
  const { nodes } = await walkAncestry(ports, policyOf(), app.image, app.platform, AS_OF);
  assert.equal([...nodes.values()][0]?.finding.kind, "attested");
});

test("nothing is looked for beside an image that policy names as a root", async () => {
  const world = new World();
  const base = world.build("base");
  const app = world.build("app", { base });
  const roots = `  roots:\n    - { image: "ghcr.io/acme/base@${base.image.digest}", reason: "a test's", expires: 2027-01-01 }\n`;
  const listed: string[] = [];
  const ports = portsOf(world, (what, { digest }) => {
    if (what === "listing") listed.push(digest);
    return undefined;
  });
  await walkAncestry(ports, policyOf({ trust: roots }), app.image, "every", AS_OF);
  assert.ok(listed.includes(app.manifest.digest));
  assert.deepEqual(
    listed.filter((digest) => digest === base.image.digest || digest === base.manifest.digest),
    [],
  );
});

test("what is told of an ancestry doesn't depend on who answers first", async () => {
  const world = new World();
  const names = ["a", "b", "c", "d"];
  const low = names.map((name) => world.build(`low-${name}`, { layers: [`low-${name}`] }));
  const middle = names.map((name, i) => world.build(`middle-${name}`, { base: low[i]!, inputs: low }));
  const app = world.build("app", { base: middle[0]!, inputs: [...middle].reverse() });
  world.forget(low[2]!.manifest);
  const told = async (turnsOf: (digest: string) => number) => {
    const ports = portsOf(world, async (_, { digest }) => {
      for (let turn = turnsOf(digest); turn > 0; turn--) await new Promise((resolve) => setImmediate(resolve));
    });
    const { nodes } = await walkAncestry(ports, policyOf(), app.image, "every", AS_OF);
    return [...nodes.values()].map(({ id, finding, links }) => [id, finding.kind, links.map(({ to }) => to)]);
  };
  const first = await told(() => 0);
  assert.equal(first.length, 9);
  for (let seed = 1; seed < 6; seed++) {
    const turnsOf = (digest: string) => Number.parseInt(digest.slice(8 + seed, 10 + seed), 16) % 9;
    assert.deepEqual(await told(turnsOf), first);
  }
});

test("R9 what was found of an image as an ancestor doesn't answer for it as somebody's own build", async () => {
  const world = new World();
  const { image } = world.build("app");
  const own: OwnBuild = {
    server: "https://github.com",
    repositoryId: "99",
    ownerId: "1234",
    ref: "refs/tags/v1.0.0",
    commit: commitOf("app"),
    run: "1",
    attempt: "1",
  };
  const asked = [undefined, own] as const;
  for (const order of [asked, asked.toReversed()]) {
    const visits = openVisits(world.ports(), policyOf(), AS_OF);
    const [resolution] = await visits.resolve(image, "every", false);
    assert.ok(resolution?.kind === "node");
    for (const each of order) {
      const { examination } = await visits.examine(resolution.node, each);
      assert.equal(examination.finding.kind, each === undefined ? "attested" : "refused");
    }
  }
});
