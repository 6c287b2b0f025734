import assert from "node:assert/strict";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, type TestContext, test } from "node:test";
import { parseAsked } from "../../src/cli/subject.ts";
import { openWalks } from "../../src/cli/walk.ts";
import { digestOf, hexOf } from "../../src/image/digest.ts";
import { signStatement } from "../../src/signer/key-bundle.ts";
import { parseSigningKey } from "../../src/signer/signing-key.ts";
import { createSummarySigner, type SignedSummary } from "../../src/signer/summary-signer.ts";
import { timestamped } from "../../src/signer/timestamp.ts";
import { startAnswers } from "../cli/answer-server.ts";
import { NO_SETTINGS, runHere } from "../cli/in-process.ts";
import { temporaryFiles } from "../verify/temporary-files.ts";
import { build } from "../world/build.ts";
import { startSigstore } from "../world/sigstore.ts";
import { type Toolchain, toolchain } from "../world/toolchain.ts";
import { clusterImagePolicy, clusterPolicy, manifestOf } from "./recipe-manifests.ts";
import { commandsOf, folder, follow } from "./recipe-shell.ts";

const DAY_MS = 86_400_000;

const write = temporaryFiles();
const server = await startAnswers();
const sigstore = await startSigstore();
after(async () => {
  await server.close();
  await sigstore.close();
});

const newKey = () => {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  return parseSigningKey(privateKey.export({ format: "pem", type: "pkcs8" }).toString(), "test");
};
const key = newKey();
const keyFile = write("builds.pem", key.publicKey.pem);
const trustedRoot = write("trusted_root.json", JSON.stringify(sigstore.trustedRoot));

/** An image for two platforms, and the policy that trusts it. */
interface Made {
  readonly world: Toolchain;
  readonly image: string;
  readonly policy: string;
  readonly names: Readonly<Record<string, string>>;
}

/** One of its own for each test: what one attaches would be there for the next. */
async function image(t: TestContext): Promise<Made | undefined> {
  const world = await toolchain(t, ["dockerd", "registry", "cosign", "crane", "oras", "skopeo"]);
  if (world === undefined) return undefined;
  const namespace = `${world.registry}/acme-${randomBytes(4).toString("hex")}`;
  const name = `${namespace}/app`;
  const localContext = folder({ Dockerfile: "FROM scratch\nCOPY file /file\n", file: namespace });
  const platforms = ["linux/amd64", "linux/arm64"];
  const { reference } = await build({ toolchain: world, image: `${name}:1.4.0`, localContext, platforms });
  const root = `{ image: "${reference}", reason: "looked at it", expires: 2099-01-01 }`;
  const policy = write("policy.yml", `version: 1\ntrust:\n  roots: [${root}]\n`);
  const names = {
    ...{ SERVER: server.url, KEY: keyFile, IMAGE: name, TAG: "1.4.0", OWN: `${namespace}/promoted` },
    ...{ POLICY: hexOf(digestOf(readFileSync(policy))), TRUSTED_ROOT: trustedRoot },
  };
  return { world, image: name, policy, names };
}

/** How summaries differ from those that the recipes take. */
interface Odd {
  /** `nobody` trusts no image; `another` trusts this one, and isn't the one that was accepted. */
  readonly policy?: "nobody" | "another";
  readonly verifier?: string;
  readonly signer?: typeof key;
  readonly ageMs?: number;
  /** What is said of the same bytes under another name. */
  readonly as?: { readonly name?: string; readonly tag?: string };
}

/** Summaries of both platforms, by the published policy. */
async function summaries({ image, policy }: Made, odd: Odd = {}): Promise<readonly SignedSummary[]> {
  const text = { nobody: "version: 1\n", another: `${readFileSync(policy, "utf8")}# another\n` };
  const file = odd.policy === undefined ? policy : write("policy.yml", text[odd.policy]);
  let signed: readonly SignedSummary[] = [];
  await runHere(
    async (surroundings) => {
      const here = { ...surroundings, now: () => new Date(Date.now() - (odd.ageMs ?? 0)) };
      const walks = await openWalks({ ...NO_SETTINGS, policy: file }, here);
      const verdict = await walks.judge(parseAsked(`${image}:1.4.0`, undefined));
      signed = createSummarySigner(odd.signer ?? key, () => {}).signVerdict(verdict, {
        verifier: odd.verifier ?? `${server.url}/verifiers/published`,
        version: { "trusted-builds": "0.1.0" },
        policyUri: `${server.url}/v1/policies/${verdict.policy.digest}`,
      });
      return 0;
    },
    { homeDirectory: "/nonexistent" },
  );
  assert.equal(signed.length, 2);
  if (odd.as === undefined) return signed;
  const { name = image, tag = "1.4.0" } = odd.as;
  return signed.map((each) => {
    const statement = Buffer.from(each.bundle.dsseEnvelope.payload, "base64").toString();
    const renamed = statement.replaceAll(`${image}@1.4.0`, `${name}@${tag}`);
    assert.notEqual(renamed, statement);
    return { ...each, bundle: signStatement(Buffer.from(renamed), key) };
  });
}

/** Has the server say this of the platform that the recipes ask for. */
const say = ([amd64]: readonly SignedSummary[]) => server.say(amd64 === undefined ? [] : [amd64.bundle]);

/** Each differs in one thing. */
const ODD: Readonly<Record<string, Odd>> = {
  "is by another policy": { policy: "another" },
  "is by a repository's own policy": { verifier: "https://builds.example/verifiers/repositories/1" },
  "is by another key": { signer: newKey() },
  "is too old": { ageMs: 2 * DAY_MS },
  "is about another tag": { as: { tag: "1.4.1" } },
  "is about another name": { as: { name: "ghcr.io/mallory/app" } },
};

test("cosign's recipe takes the summary in a file and beside the image, and the proof of its time", async (t) => {
  const made = await image(t);
  if (!made) return;
  const [amd64] = await summaries(made);
  assert.ok(amd64);
  server.say([await timestamped(amd64.bundle, `${sigstore.url}/api/v1/timestamp`)]);
  await follow(made.world, commandsOf("cosign"), made.names);
  assert.ok(server.asked.every((url) => /\/v1\/verdicts\/sha256:[0-9a-f]{64}\/vsa\?platform=linux\/amd64$/.test(url)));
});

test("cosign's recipe refuses a summary that isn't the one, in a file and beside the image, each time for that alone", async (t) => {
  const made = await image(t);
  if (!made) return;
  const [define = "", inFile = "", attach = "", beside = ""] = commandsOf("cosign");
  for (const [what, odd] of Object.entries(ODD)) {
    say(await summaries(made, odd));
    await assert.rejects(follow(made.world, [define, inFile], made.names), what);
    const [fetch = ""] = inFile.split("\n");
    await follow(made.world, [define, fetch, attach], made.names);
    await assert.rejects(follow(made.world, [define, beside], made.names), what);
  }
  // All of these are beside it by now, and hide nothing.
  const good = await summaries(made);
  say(good);
  await follow(made.world, [define, inFile, attach, beside], made.names);
  // Another platform's is about other bytes.
  say(good.slice(1));
  await assert.rejects(follow(made.world, [define, inFile], made.names));
});

test("cosign's recipe refuses a summary without a timestamp where it asks for one", async (t) => {
  const made = await image(t);
  if (!made) return;
  const commands = commandsOf("cosign");
  const [define = "", inFile = ""] = commands;
  say(await summaries(made));
  await follow(made.world, [define, inFile], made.names);
  await assert.rejects(follow(made.world, [define, inFile, commands.at(-1) ?? ""], made.names), /timestamps/);
});

test("cosign's recipe goes by the newest summary: what says FAILED now isn't outweighed by what passed", async (t) => {
  const made = await image(t);
  if (!made) return;
  const [define = "", inFile = "", attach = "", beside = ""] = commandsOf("cosign");
  say(await summaries(made));
  await follow(made.world, [define, inFile, attach, beside], made.names);
  // The root that trusts it has lapsed by then: the same policy, and the other result.
  const failed = await summaries(made, { ageMs: -80 * 365 * DAY_MS });
  assert.equal(failed[0]?.result, "FAILED");
  say(failed);
  await assert.rejects(follow(made.world, [define, inFile], made.names));
  const [fetch = ""] = inFile.split("\n");
  await follow(made.world, [define, fetch, attach], made.names);
  await assert.rejects(follow(made.world, [define, beside], made.names));
});

test("the manifest of Kyverno's recipe is told the digest under which cosign finds one summary in the older form", async (t) => {
  const made = await image(t);
  if (!made) return;
  say(await summaries(made, { ageMs: DAY_MS }));
  await follow(made.world, commandsOf("kyverno"), made.names);
  say(await summaries(made));
  const told = await follow(made.world, commandsOf("kyverno"), made.names);
  const pinned = told.trim().split("\n").at(-1) ?? "";
  assert.match(pinned, /^127\.0\.0\.1:\d+\/acme-[0-9a-f]+\/app@sha256:[0-9a-f]{64}$/);
  const type = "https://slsa.dev/verification_summary/v1";
  const args = ["verify-attestation", "--key", keyFile, "--type", type, "--insecure-ignore-tlog", pinned];
  const { stdout } = await made.world.run("cosign", args);
  assert.equal(stdout.trim().split("\n").length, 1);
});

test("the CUE of policy-controller's recipe takes the summary in the older form, and none that says something else", async (t) => {
  const made = await image(t);
  if (!made) return;
  say(await summaries(made));
  await follow(made.world, commandsOf("policy-controller"), made.names);
  const failed: Odd = { ageMs: -80 * 365 * DAY_MS };
  for (const [what, odd] of Object.entries({ ...ODD, "says FAILED": failed })) {
    // That CUE knows no time, and no tag, the recipe says.
    if (odd === ODD["is too old"] || odd === ODD["is about another tag"]) continue;
    say(await summaries(made, odd));
    await assert.rejects(follow(made.world, commandsOf("policy-controller"), made.names), what);
  }
});

test("Kyverno's manifest knows no field that its definition doesn't, and demands each thing once", () => {
  const { spec } = manifestOf("kyverno", clusterPolicy);
  const [{ conditions }] = spec.rules[0].verifyImages[0].attestations;
  const keys = conditions[0].all.map(({ key }) => key);
  const fields = ["verifier.id", "policy.digest.sha256", "verificationResult", "resourceUri", "timeVerified"];
  for (const field of fields) assert.equal(keys.filter((text) => text.includes(field)).length, 1, field);
  assert.equal(keys.length, fields.length);
});

test("policy-controller's manifest demands what the recipe has cosign check", () => {
  const { spec } = manifestOf("policy-controller", clusterImagePolicy);
  const [, cue = ""] = /<<END\n(.*?)END\n/s.exec(commandsOf("policy-controller").at(-1) ?? "") ?? [];
  const names = new Map([
    ["SERVER", "https://builds.example"],
    ["POLICY", "5f1d…"],
    ["IMAGE", "ghcr.io/acme/app"],
  ]);
  const written = cue.replaceAll(/\$([A-Z]+)/g, (_, name: string) => names.get(name) ?? "");
  assert.equal(spec.authorities[0].attestations[0].policy.data, written);
});

test("the recipe of policy.json promotes what a server's answer trusts, and hosts take that and nothing else", async (t) => {
  const made = await image(t);
  if (!made) return;
  const { world, names } = made;
  const [keys = "", promote = "", policy = "", copy = ""] = commandsOf("policy-json");
  const here = folder({ passphrase: "open sesame" });
  server.say((await summaries(made, { policy: "nobody" })).map(({ bundle }) => bundle));
  await assert.rejects(follow(world, [keys, promote], names, here), /exit 1/);
  server.say((await summaries(made)).map(({ bundle }) => bundle));
  const promoted = () => follow(world, [policy, copy], names, here);
  await follow(world, [policy], names, here);
  await assert.rejects(promoted(), /manifest unknown|name unknown/i);
  await follow(world, [promote], names, here);
  await promoted();
  const host = (reference: string) => {
    const args = [
      "--policy",
      "policy.json",
      "--registries.d",
      "registries.d",
      "copy",
      `docker://${reference}`,
      "dir:x",
    ];
    const quoted = args.map((arg) => `'${arg}'`).join(" ");
    return follow(world, [`skopeo ${quoted}`], names, here);
  };
  const own = names.OWN ?? "";
  await host(`${own}/app:1.4.0`);
  await assert.rejects(host(`${made.image}:1.4.0`), /is rejected by policy/);
  await world.run("crane", ["copy", `${made.image}:1.4.0`, `${own}/other:1.4.0`]);
  await assert.rejects(host(`${own}/other:1.4.0`), /A signature was required/);
  await world.run("crane", ["tag", `${own}/app:1.4.0`, "1.5.0"]);
  await assert.rejects(host(`${own}/app:1.5.0`), /not accepted|does not match/i);
  await world.run("cosign", ["generate-key-pair", "--output-key-prefix", join(here, "stranger")], {
    env: { COSIGN_PASSWORD: "" },
  });
  await follow(world, [`sed -i s/promoter.pub/stranger.pub/ policy.json`], names, here);
  await assert.rejects(host(`${own}/app:1.4.0`), /cryptographic signature verification failed|not accepted/i);
});
