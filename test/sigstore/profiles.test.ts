import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { parseTrustedKey } from "../../src/sigstore/trusted-key.ts";
import { parseTrustedRoot, shippedTrustedRoots } from "../../src/sigstore/trusted-root.ts";
import type { TrustAnchors } from "../../src/sigstore/verification.ts";
import { createBundleVerifier } from "../../src/sigstore/verifier.ts";
import type { Document } from "./both-ways.ts";
import { createInstance, pem } from "./instance.ts";
import { asBundle, readRoot, shared } from "./shared.ts";

const corpora = shared("corpora");
const local = shared("samples/local-sigstore");
const skip = corpora.skip || local.skip;

/** Of each profile its anchors, and a bundle that it accepts. */
interface Profile {
  readonly anchors: TrustAnchors;
  readonly json: Document;
}

function readProfiles(): Readonly<Record<string, Profile>> {
  const json = (path: string) => JSON.parse(readFileSync(path, "utf8"));
  const conformance = `${corpora.path}/sigstore-conformance/test/assets/bundle-verify/rekor2-dsse-happy-path`;
  const privateRoot = readRoot(`${local.path}/trusted_root.json`);
  const [publicGood, gitHub] = shippedTrustedRoots();
  assert.ok(publicGood !== undefined && gitHub !== undefined);
  const key = (log: "required" | "optional") => {
    const instance = createInstance();
    const { signer, bundle } = instance.keyBundle();
    const spki = signer.publicKey.export({ format: "der", type: "spki" });
    const root = parseTrustedRoot(Buffer.from(JSON.stringify(instance.trustedRoot)), "key's log");
    const keys = [parseTrustedKey(pem("PUBLIC KEY", spki), "key", log)];
    const alone = structuredClone(bundle);
    alone.verificationMaterial.tlogEntries = [];
    return log === "required"
      ? { anchors: { roots: [root], keys }, json: bundle }
      : { anchors: { roots: [], keys }, json: alone };
  };
  return {
    "public good, Rekor v1": {
      anchors: { roots: [publicGood] },
      json: json(`${corpora.path}/sigstore-js/tests/bundles/bundleV03-dsse.sigstore`),
    },
    "Rekor v2 with timestamps": {
      anchors: { roots: [readRoot(`${conformance}/trusted_root.json`)] },
      json: json(`${conformance}/bundle.sigstore.json`),
    },
    "GitHub's own, timestamps alone": {
      anchors: { roots: [gitHub] },
      json: json(
        `${corpora.path}/cli-cli/pkg/cmd/attestation/test/data/github_provenance_demo-0.0.12-py3-none-any-bundle.jsonl`,
      ),
    },
    "private instance": { anchors: { roots: [privateRoot] }, json: json(`${local.path}/bundle-rekor1+tsa.json`) },
    "key with a log": key("required"),
    "key alone": key("optional"),
  };
}

function codeOf(json: Document, { roots, keys = [] }: TrustAnchors): string {
  const outcome = createBundleVerifier({ roots, keys }).verifyBundle(asBundle(json));
  return outcome.kind === "verified" ? "verified" : outcome.code;
}

const both = (a: TrustAnchors, b: TrustAnchors): TrustAnchors => ({
  roots: [...a.roots, ...b.roots],
  keys: [...(a.keys ?? []), ...(b.keys ?? [])],
});

/** The bundle without its log entries, and without its timestamps. */
const reductions: Readonly<Record<string, (material: Document) => void>> = {
  "without log entries": (material) => {
    material.tlogEntries = [];
  },
  "without timestamps": (material) => {
    material.timestampVerificationData = undefined;
  },
  "without promises": (material) => {
    for (const entry of material.tlogEntries ?? []) entry.inclusionPromise = undefined;
  },
};

test("accepts under each profile its own bundle, and under each other one none of them", { skip }, () => {
  const profiles = Object.entries(readProfiles());
  for (const [name, { json }] of profiles) {
    for (const [other, { anchors }] of profiles) {
      const code = codeOf(json, anchors);
      if (name === other) assert.equal(code, "verified", name);
      else assert.match(code, /^(certificate|key|log-entry|signature|timestamp)$/, `${name} under ${other}`);
    }
  }
});

test("asks of a bundle the same whatever other profile, with a threshold of 0, stands beside its own", { skip }, () => {
  const profiles = Object.entries(readProfiles());
  let refused = 0;
  for (const [name, { json, anchors: own }] of profiles) {
    for (const [reduction, reduce] of Object.entries(reductions)) {
      const reduced = structuredClone(json);
      reduce(reduced.verificationMaterial);
      const alone = codeOf(reduced, own);
      if (alone !== "verified") refused++;
      for (const [other, { anchors }] of profiles) {
        if (other === name) continue;
        const what = `${name} ${reduction}, beside ${other}`;
        for (const order of [both(own, anchors), both(anchors, own)]) {
          const code = codeOf(reduced, order);
          // Of two keys' refusals the one that came further is told; that it is one is what counts.
          if (own.keys !== undefined && alone !== "verified") assert.notEqual(code, "verified", what);
          else assert.equal(code, alone, what);
        }
      }
    }
  }
  assert.ok(refused >= 6, `${refused} refused`);
});
