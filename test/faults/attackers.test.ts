import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { SignerIdentity } from "../../src/attestation/identity.ts";
import { imageName, type PinnedImage, parseReference } from "../../src/image/reference.ts";
import type { OwnBuild } from "../../src/trust/own-build.ts";
import type { Policy } from "../../src/trust/policy.ts";
import { defaultPolicy } from "../../src/trust/policy-default.ts";
import { CouldNotLook } from "../../src/trust/ports.ts";
import { summaryOf, VERIFIER, verifierEntry } from "../trust/summaries.ts";
import {
  type Built,
  bytesOf,
  codesOf,
  commitOf,
  runOf as honestRun,
  type Json,
  layerOf,
  policyOf,
  put,
  SIGN,
  SLSA1,
  signerOf,
  statementOf,
  World,
  written,
} from "../trust/world.ts";
import { type Attacker, caller, type Hands, handsOf, insider, ownKey, pusher, runOf } from "./attackers.ts";

/** What is asked about in the end, and by whose policy. */
interface Asked {
  readonly image: PinnedImage;
  readonly policy?: Policy;
  readonly own?: OwnBuild;
  /** The tag by which it is asked for. */
  readonly tag?: string;
}

/** One attempt of an attacker's. */
interface Attempt {
  readonly rule: string;
  readonly by: Attacker;
  /** As the end of "… doesn't get far who …". */
  readonly what: string;
  readonly attack: (hands: Hands) => Asked;
  /** By which it fails. */
  readonly codes: readonly string[];
  readonly outcome?: "undetermined";
}

const attempt = (
  rule: string,
  by: Attacker,
  what: string,
  codes: readonly string[],
  attack: Attempt["attack"],
  outcome?: "undetermined",
): Attempt => ({ rule, by, what, attack, codes, ...(outcome && { outcome }) });

const OWN: OwnBuild = {
  server: "https://github.com",
  repositoryId: "99",
  ownerId: "1234",
  ref: "refs/tags/v1.0.0",
  commit: "0".repeat(40),
  run: honestRun("app").split("/").at(-1) ?? "",
  attempt: "1",
};
const TOOLS = runOf("tools", "reusable");
const asked = (built: Built, more: Omit<Asked, "image"> = {}): Asked => ({ image: built.image, ...more });
const set = (path: string, value: Json | undefined) => (predicate: Json) => put(predicate, path, value);
const LIST = "buildDefinition.resolvedDependencies";
const WORKFLOW = "https://github.com/acme/verifier/.github/workflows/verify.yml@refs/tags/v*";

/** At least one for each rule that an image's verdict rests on. */
const ATTEMPTS: readonly Attempt[] = [
  attempt(
    "R3",
    caller,
    "gives the app's bytes another name and signs for it",
    ["source-repository"],
    ({ world, app, sign }) => {
      const stolen = world.manifest("stolen", world.bytes(app.manifest));
      sign(stolen, statementOf([stolen], SLSA1, app.provenance), runOf("evil", "reusable"));
      return { image: stolen };
    },
  ),
  attempt(
    "R4",
    insider,
    "builds an image of his own repository under the app's name",
    ["source-repository"],
    ({ build }) => asked(build("app", TOOLS, { label: "his" })),
  ),
  attempt("R4", caller, "calls the builder for an image under the app's name", ["source-repository"], ({ build }) =>
    asked(build("app", runOf("evil", "reusable"), { label: "his" })),
  ),
  attempt("R4", pusher, "signs with a key of his own", ["signer-kind"], ({ build }) =>
    asked(build("app", ownKey, { label: "his" })),
  ),
  attempt("R5", caller, "counts on the policy that holds where there is none", ["source-owner"], ({ build }) =>
    asked(build("app", runOf("evil", "own"), { label: "his" }), { policy: defaultPolicy }),
  ),
  attempt("R6", insider, "has a pull request's code signed", ["event"], ({ build }) =>
    asked(build("tools", runOf("tools", "reusable", { buildTrigger: "pull_request_target" }))),
  ),
  attempt("R6", pusher, "has another service certify the builder's name", ["issuer"], ({ build }) => {
    const [, person = ownKey] = pusher.identities;
    return asked(build("app", person, { label: "his" }));
  }),
  attempt("R7", insider, "builds in a workflow of his own instead of the builder's", ["workflow"], ({ build }) =>
    asked(build("tools", runOf("tools", "own"))),
  ),
  attempt(
    "R8",
    caller,
    "calls his repository as one of the organisation's was called, under another number",
    ["owner-id"],
    ({ world }) => {
      // Nobody's hands: GitHub gives an abandoned name to whoever asks for it.
      const taken = signerOf("app", { sourceRepositoryOwnerIdentifier: "6666", sourceRepositoryIdentifier: "666" });
      return asked(world.build("app", { by: taken, label: "his" }));
    },
  ),
  attempt(
    "R9",
    insider,
    "starts another run of the build than was asked for, and pushes over it",
    ["source-repository"],
    ({ build }) => asked(build("app", TOOLS, { label: "his" }), { own: OWN }),
  ),
  attempt(
    "R9",
    pusher,
    "puts an older image of the app in the place of the build that was started",
    ["other-run"],
    ({ app }) => asked(app, { own: { ...OWN, run: "12345" } }),
  ),
  attempt(
    "R10",
    insider,
    "has his repository's run sign what was built from another's",
    ["source-mismatch"],
    ({ build }) =>
      asked(
        build("tools", TOOLS, {
          edit: (predicate) => {
            const text = JSON.stringify(predicate).replaceAll("github.com/acme/tools.git", "github.com/acme/app.git");
            Object.assign(predicate as object, JSON.parse(text));
          },
        }),
      ),
  ),
  attempt("R11", insider, "has an index signed with provenance of another run inside", ["containment"], ({ build }) =>
    asked(build("tools", TOOLS, { signed: "index", builderId: `${honestRun("app")}/attempts/1` })),
  ),
  attempt("R11", pusher, "changes the provenance inside the app's signed index", ["unattested"], ({ world, app }) => {
    const forged = statementOf(
      [app.manifest],
      SLSA1,
      (() => {
        const predicate = structuredClone(app.provenance);
        put(predicate, LIST, []);
        return predicate;
      })(),
    );
    const holder = world.attestationManifest("app", app.manifest, [forged]);
    return {
      image: world.index("app", [
        { image: app.manifest, platform: written(app.platform) },
        {
          image: holder,
          platform: { architecture: "unknown", os: "unknown" },
          annotations: {
            "vnd.docker.reference.type": "attestation-manifest",
            "vnd.docker.reference.digest": app.manifest.digest,
          },
        },
      ]),
    };
  }),
  attempt(
    "R12",
    insider,
    "signs after his access was revoked, and leaves every time out",
    ["revoked"],
    ({ world, build, sign }) => {
      const tools = build("tools", TOOLS, { signed: "nothing" });
      sign(tools.manifest, statementOf([tools.manifest], SLSA1, tools.provenance), TOOLS, []);
      return asked(tools, {
        policy: policyOf({
          trust:
            '  revoked: [{ identity: "https://github.com/acme/builder/**@refs/tags/v1", from: 2020-01-01, until: 2020-01-02, reason: it leaked }]',
        }),
        ...(world && {}),
      });
    },
  ),
  attempt(
    "R13",
    pusher,
    "hangs the app's signatures on an image of his own",
    ["subject-mismatch"],
    ({ world, app, replay }) => {
      const his = world.platformImage("app", [layerOf("his")], app.platform);
      replay(app.image, his);
      return { image: his };
    },
  ),
  attempt(
    "R14",
    insider,
    "hangs what verified beside his own image on the app's place",
    ["subject-mismatch"],
    ({ world, build, replay, app }) => {
      const tools = build("tools", TOOLS);
      const his = world.platformImage("app", [layerOf("his")], app.platform);
      replay(tools.manifest, his);
      return { image: his };
    },
  ),
  attempt("R15", pusher, "drowns the app's signatures in junk", ["limit"], ({ world, app }) => {
    world.forget(app.image);
    world.omitted.set(`${imageName(app.image)}@${app.image.digest}`, 300);
    return asked(app);
  }),
  attempt(
    "R15",
    pusher,
    "breaks the way to what is signed",
    ["network"],
    ({ world, app }) => {
      world.forget(app.image);
      world.failures.set(`${imageName(app.image)}@${app.image.digest}`, new CouldNotLook("network", "broken"));
      return asked(app);
    },
    "undetermined",
  ),
  attempt(
    "R16",
    insider,
    "leaves what he copied from out of the list, where the steps have it",
    ["unattested"],
    ({ world, build, base }) => {
      const his = world.build("his", { signed: "nothing" });
      return asked(
        build("tools", TOOLS, {
          base,
          inputs: [his],
          edit: (predicate) => {
            const list = (predicate as { buildDefinition: { resolvedDependencies: { uri: string }[] } }).buildDefinition
              .resolvedDependencies;
            put(predicate, LIST, list.filter(({ uri }) => !uri.includes("/his@")) as Json);
          },
        }),
      );
    },
  ),
  attempt(
    "R17",
    insider,
    "says of one image twice what it was built from",
    ["unattested"],
    ({ world, build, base, sign }) => {
      const his = world.build("his", { signed: "nothing" });
      const tools = build("tools", TOOLS, { base });
      const second = build("tools", TOOLS, { base, inputs: [his], signed: "nothing" }).provenance;
      sign(tools.manifest, statementOf([tools.manifest], SLSA1, second), TOOLS);
      return asked(tools);
    },
  ),
  attempt("R18", insider, "says that an image rests on nothing, without its steps", ["list-only"], ({ build }) =>
    asked(build("tools", TOOLS, { mode: "min" })),
  ),
  attempt(
    "R18",
    insider,
    "puts layers on an image from nothing that no step made",
    ["unexplained-layers"],
    ({ build }) => asked(build("tools", TOOLS, { hidden: ["his"] })),
  ),
  attempt("R19", insider, "builds with a frontend of his own", ["unattested"], ({ world, build, base }) =>
    asked(build("tools", TOOLS, { base, frontend: world.build("his", { signed: "nothing" }) })),
  ),
  attempt("R20", insider, "builds from a directory of his machine", ["input-local"], ({ build, base }) =>
    asked(build("tools", TOOLS, { base, local: true })),
  ),
  attempt("R21", insider, "names a good base, and builds on something else", ["layers-mismatch"], ({ build, base }) =>
    asked(build("tools", TOOLS, { base: { ...base, layers: [layerOf("his")] } })),
  ),
  attempt(
    "R22",
    insider,
    "keeps quiet about the image that his rests on",
    ["undeclared-base"],
    ({ world, build, base }) => {
      const others = world.build("others", { layers: ["of the others"] });
      const unsaid = {
        layers: [...others.layers, layerOf("his")],
        edit: set("runDetails.metadata.startedOn", "2026-11-19T12:00:00Z"),
      };
      world.known = [
        {
          name: "ghcr.io/acme/others",
          digest: others.manifest.digest,
          chainId: others.layers[0]?.diffId ?? base.manifest.digest,
          layers: 1,
          origins: ["https://github.com 5"],
          signedAt: new Date("2026-11-19T00:00:00Z"),
        },
      ];
      return asked(build("tools", TOOLS, unsaid));
    },
  ),
  attempt("R23", pusher, "writes an index that two readers read differently", ["duplicate-key"], ({ world, app }) => {
    const text = Buffer.from(world.bytes(app.image)).toString();
    return {
      image: world.manifest(
        "app",
        bytesOf(`{"manifests":[],${text.slice(1)}`),
        "application/vnd.oci.image.index.v1+json",
      ),
    };
  }),
  attempt("R24", pusher, "adds an image for another platform to the app's index", ["unattested"], ({ world, app }) => {
    const his = world.platformImage("app", [layerOf("his")], { os: "linux", architecture: "arm64" });
    world.sign(app.manifest, statementOf([app.manifest], SLSA1, app.provenance), signerOf("app"));
    return {
      image: world.index("app", [
        { image: app.manifest, platform: written(app.platform) },
        { image: his, platform: { os: "linux", architecture: "arm64" } },
      ]),
    };
  }),
  attempt("R25", pusher, "puts images of two builds of the app into one index", ["mixed-index"], ({ world, base }) => {
    const [first, second] = (["linux/amd64", "linux/arm64"] as const).map((platform, i) =>
      world.build("app", {
        platform,
        by: signerOf(
          "app",
          i === 0 ? {} : { runInvocationUri: "https://github.com/acme/app/actions/runs/5/attempts/1" },
        ),
        ...(i === 1 && { builderId: "https://github.com/acme/app/actions/runs/5/attempts/1" }),
      }),
    );
    assert.ok(first && second && base);
    return {
      image: world.index(
        "app",
        [first, second].map(({ manifest, platform }) => ({ image: manifest, platform: written(platform) })),
      ),
    };
  }),
  attempt("R26", pusher, "puts the app as it once was under a new tag", ["tag-mismatch"], ({ app }) =>
    asked(app, {
      tag: "2.0.0",
      policy: policyOf({ more: "builds: [{ image: ghcr.io/acme/app, image-tags: ['{version}'] }]" }),
    }),
  ),
  attempt("R27", pusher, "moves the tag of a root to an image of his own", ["unattested"], ({ world, base }) => {
    const his = world.platformImage("debian", [layerOf("his")], base.platform);
    return {
      image: his,
      policy: policyOf({
        trust: `  roots: [{ image: "ghcr.io/acme/debian@${base.image.digest}", reason: looked at it, expires: 2099-01-01 }]`,
      }),
    };
  }),
  attempt(
    "R28",
    caller,
    "has the verifier's workflow answer for an image of his own",
    ["vsa-signer"],
    ({ world, sign }) => {
      const his = world.build("base", { signed: "nothing", label: "his" });
      const by = runOf("evil", "own", { buildSignerUri: WORKFLOW.replace("v*", "v1") });
      sign(his.manifest, statementOf([his.manifest], "https://slsa.dev/verification_summary/v1", summaryOf(his)), by);
      const identity = {
        issuer: "https://token.actions.githubusercontent.com",
        name: WORKFLOW,
        source: "https://github.com/acme/verifier",
      };
      return asked(his, {
        policy: policyOf({ trust: `  verifiers: [${verifierEntry({ key: undefined, identity, id: VERIFIER })}]` }),
      });
    },
  ),
  attempt("R29", insider, "has his image signed on a machine of his own", ["runner"], ({ build }) =>
    asked(build("tools", runOf("tools", "reusable", { runnerEnvironment: "self-hosted" }))),
  ),
  attempt("R30", pusher, "leaves only a platform that nobody judges", ["platform-not-found"], ({ world, app }) => {
    world.sign(app.manifest, statementOf([app.manifest], SLSA1, app.provenance), signerOf("app"));
    return { image: app.manifest, policy: policyOf({ trust: "  platforms: [linux/s390x]" }) };
  }),
];

for (const { rule, by, what, attack, codes, outcome = "untrusted" } of ATTEMPTS) {
  test(`${rule} ${by.name} doesn't get far who ${what}`, async () => {
    const world = new World();
    const { image, policy = policyOf(), own, tag } = attack(handsOf(by, world));
    const reference = tag === undefined ? image : parseReference(`${imageName(image)}:${tag}`);
    const verdict = await world.judge(image, { policy, reference, own });
    assert.deepEqual([verdict.outcome, codesOf(verdict)], [outcome, codes]);
  });
}

test("the ancestry that they attack is trusted, under each policy that they meet", async () => {
  const world = new World();
  const { app } = handsOf(pusher, world);
  assert.equal((await world.judge(app.image)).outcome, "trusted");
  const tagged = policyOf({ more: "builds: [{ image: ghcr.io/acme/app, image-tags: ['{version}'] }]" });
  const asTagged = { policy: tagged, reference: parseReference("ghcr.io/acme/app:1.0.0") };
  assert.equal((await world.judge(app.image, asTagged)).outcome, "trusted");
});

test("every rule from R3 to R30 is attacked", () => {
  const rules = Array.from({ length: 28 }, (_, i) => `R${i + 3}`);
  assert.deepEqual(
    rules.filter((rule) => !ATTEMPTS.some((each) => each.rule === rule)),
    [],
  );
});

test("no attacker can be who he isn't", () => {
  for (const attacker of [pusher, insider, caller]) {
    for (const identity of attacker.identities) assert.ok(attacker.canSign(identity));
    for (const repo of ["base", "runtime", "app"]) assert.ok(!attacker.canSign(signerOf(repo)), repo);
  }
  assert.ok(!pusher.canSign(TOOLS) && !caller.canSign(TOOLS) && !insider.canSign(runOf("evil", "own")));
});

/** Has provenance say of source and run what the certificate says, as the builder would write it for whoever calls it. */
const truthful =
  (by: SignerIdentity) =>
  (predicate: Json): void => {
    if (by.kind === "key" || by.extensions.sourceRepositoryUri === undefined) return;
    const { sourceRepositoryUri, sourceRepositoryDigest = "", runInvocationUri = "" } = by.extensions;
    const text = JSON.stringify(predicate)
      .replaceAll("https://github.com/acme/app.git", `${sourceRepositoryUri}.git`)
      .replaceAll("git://github.com/acme/app.git", `${sourceRepositoryUri.replace("https", "git")}.git`)
      .replaceAll(`${honestRun("app")}/attempts/1`, runInvocationUri)
      .replaceAll(commitOf("app"), sourceRepositoryDigest);
    Object.assign(predicate as object, JSON.parse(text));
  };

/** One thing that an attacker does, by numbers that choose among what there is. */
const action = fc.record({
  what: fc.constantFrom(
    "sign",
    "sign-index",
    "build",
    "replay",
    "replay-last",
    "repack",
    "mix",
    "forget",
    "hide",
    "junk",
  ),
  who: fc.nat(20),
  to: fc.nat(20),
  from: fc.nat(20),
  flag: fc.boolean(),
});

test("whatever attackers do, in whatever order, no image of the app's name is trusted but the honest one", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(pusher, insider, caller),
      fc.array(action, { minLength: 1, maxLength: 10 }),
      async (attacker, actions) => {
        const world = new World();
        const hands = handsOf(attacker, world);
        const { base, runtime, app } = hands;
        // Both ways, so that there is more to hang elsewhere.
        world.sign(app.manifest, statementOf([app.manifest], SLSA1, app.provenance), signerOf("app"));
        // Both ways, so that there is more to hang elsewhere.
        world.sign(app.manifest, statementOf([app.manifest], SLSA1, app.provenance), signerOf("app"));
        const images: PinnedImage[] = [base, runtime, app].flatMap(({ image, manifest }) => [image, manifest]);
        const built: Built[] = [base, runtime, app];
        for (const { what, who, to, from, flag } of actions) {
          const by = attacker.identities[who % attacker.identities.length] ?? ownKey;
          const [on, other] = [images[to % images.length], images[from % images.length]];
          const [one, two] = [built[to % built.length], built[from % built.length]];
          assert.ok(on && other && one && two);
          switch (what) {
            case "sign":
              hands.sign(on, statementOf(flag ? [on] : [other], SLSA1, two.provenance), by);
              break;
            case "sign-index":
              hands.sign(on, statementOf([on, other], SIGN), by);
              break;
            case "build": {
              const his = hands.build("app", by, {
                label: `his ${built.length}`,
                base: one,
                inputs: [two],
                signed: flag ? "index" : "provenance",
                edit: truthful(by),
              });
              built.push(his);
              images.push(his.image, his.manifest);
              break;
            }
            case "replay":
              hands.replay(other, on);
              break;
            case "replay-last":
              hands.replay(flag ? app.manifest : app.image, images.at(-1) ?? on);
              break;
            case "repack": {
              const layers = flag ? one.layers : [...one.layers, layerOf("his")];
              const his = world.platformImage("app", layers, one.platform, { config: { Labels: { his: String(to) } } });
              images.push(world.index("app", [{ image: his, platform: written(one.platform) }]), his);
              break;
            }
            case "mix":
              images.push(
                world.index(
                  "app",
                  [one, two].map(({ manifest, platform }, i) => ({
                    image: world.manifest("app", world.bytes(manifest)),
                    platform: i === 0 || flag ? written(platform) : { architecture: "unknown", os: "unknown" },
                  })),
                ),
              );
              break;
            case "forget":
              world.forget(on);
              break;
            case "hide":
              world.hide(other);
              break;
            case "junk":
              world.post(on, { kind: "malformed", reason: "junk" });
          }
          if (what === "hide") break;
        }
        for (const image of images) {
          const { outcome, platforms, nodes } = await world.judge({ ...image, repository: "acme/app" });
          if (outcome !== "trusted") continue;
          // Around the honest image anybody may put an index; in it is nothing else.
          for (const { node } of platforms)
            assert.equal(nodes.find(({ id }) => id === node)?.digest, app.manifest.digest, "trusted as the app");
        }
      },
    ),
    { numRuns: 120 },
  );
});
