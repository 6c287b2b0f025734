import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, afterEach, test } from "node:test";
import { parse } from "yaml";
import { ACTION_INPUTS, actionInputs } from "../../src/cli/action-inputs.ts";
import { UsageError } from "../../src/cli/exit-code.ts";
import { putImage } from "../registry/image-fixture.ts";
import { run } from "../verify/command.ts";
import { temporaryFiles } from "../verify/temporary-files.ts";
import { startOciRegistry } from "../world/oci-registry.ts";

const manifest = parse(readFileSync("action/verify/action.yml", "utf8")) as {
  readonly inputs: Readonly<Record<string, { readonly description: string; readonly default?: string }>>;
  readonly outputs: Readonly<Record<string, { readonly description: string }>>;
  readonly runs: { readonly using: string; readonly main: string };
};
const SOURCE = "src/cli/verify-action.ts";
/** As GitHub runs it. */
const BUNDLE = `action/verify/${manifest.runs.main}`;

const write = temporaryFiles();
const registry = await startOciRegistry();
after(() => registry.close());
afterEach(() => registry.heal());
const pinned = putImage(registry);
putImage(registry, "2.0.0", "acme/other");
const good = `${registry.host}/acme/app:1.0.0`;
const bad = `${registry.host}/acme/other:2.0.0`;
const root = `{ image: "${registry.host}/acme/app@${pinned.digest}", reason: "looked at it", expires: 2099-01-01 }`;
const policy = write("policy.yml", `version: 1\ntrust:\n  roots: [${root}]\n`);

/** A step with these inputs; what the workflow leaves out is as action.yml has it, as the runner does. */
async function step(inputs: Readonly<Record<string, string>>, main = SOURCE) {
  const defaults = Object.entries(manifest.inputs).map(([name, given]) => [name, given.default ?? ""] as const);
  const all = { ...Object.fromEntries(defaults), "github-token": "", policy, ...inputs };
  const [output, page] = [write("output", ""), write("page", "")];
  const env = {
    GITHUB_ACTIONS: "true",
    GITHUB_OUTPUT: output,
    GITHUB_STEP_SUMMARY: page,
    ...Object.fromEntries(Object.entries(all).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value])),
  };
  const ended = await run(process.execPath, [main], { env });
  const written = [...readFileSync(output, "utf8").matchAll(/^(\w+)<<(.+)\n([\s\S]*?)\n\2$/gm)];
  const outputs = Object.fromEntries(written.map(([, name = "", , value = ""]) => [name, value]));
  return { ...ended, outputs, page: readFileSync(page, "utf8") };
}

test("the inputs that are read are those of action.yml, each with a description, and its defaults ask for nothing odd", () => {
  assert.deepEqual(Object.keys(manifest.inputs), ACTION_INPUTS);
  for (const { description } of Object.values({ ...manifest.inputs, ...manifest.outputs }))
    assert.match(description, /\.$/);
  const defaults = Object.entries(manifest.inputs).map(([name, given]) => [
    `INPUT_${name.toUpperCase()}`,
    given.default,
  ]);
  const { verify } = actionInputs(Object.fromEntries(defaults));
  assert.deepEqual(verify, actionInputs({}).verify);
  assert.deepEqual([verify.offline, verify.cache, verify.output, verify.policy], [false, true, "text", undefined]);
});

test("a value that is none is wrong usage, rather than taken for another", () => {
  for (const [name, value] of [
    ["OFFLINE", "yes"],
    ["CACHE", "off"],
    ["REFRESH-ROOTS", "1"],
    ["OUTPUT", "xml"],
  ] as const)
    assert.throws(() => actionInputs({ [`INPUT_${name}`]: value }), UsageError);
});

test("the bundle passes a trusted image, and answers it by the digest that was judged", async () => {
  const { exit, stdout, outputs, page } = await step({ images: good }, BUNDLE);
  assert.equal(exit, 0);
  assert.match(stdout, /^✔ TRUSTED {2}/m);
  assert.deepEqual(outputs, { verdict: "trusted", trusted: `${registry.host}/acme/app@${pinned.digest}` });
  assert.match(page, /^## ✔ Trusted: /);
});

test("fails where one of several images isn't trusted, with an annotation, the page, SARIF, and the trusted ones", async () => {
  const sarif = write("verdict.sarif", "");
  const { exit, stderr, outputs, page } = await step({ images: `${good}\n\n  ${bad}\n`, "sarif-file": sarif });
  assert.equal(exit, 1);
  assert.match(stderr, /^::error title=untrusted%2C unattested::/m);
  assert.deepEqual(outputs, { verdict: "untrusted", trusted: `${registry.host}/acme/app@${pinned.digest}` });
  assert.match(page, /^## ✖ Untrusted: /m);
  assert.equal(JSON.parse(readFileSync(sarif, "utf8")).runs[0].results.length, 1);
});

test("R15 what could not be looked at is undetermined, and fails", async () => {
  registry.fail(/\/manifests\//, { status: 500 });
  const { exit, outputs } = await step({ images: good });
  assert.deepEqual([exit, outputs], [3, { verdict: "undetermined", trusted: "" }]);
});

test("answers nothing where nothing could be judged: no image, no policy, no place for SARIF", async () => {
  const before = registry.requests.length;
  for (const inputs of [{}, { images: good, policy: "absent.yml" }, { images: good, offline: "yes" }] as const) {
    const { exit, outputs, stderr } = await step(inputs);
    assert.deepEqual([exit, outputs], [2, {}]);
    assert.match(stderr, /^::error title=no verdict::[^\n]+\n$/);
  }
  assert.equal(registry.requests.length, before);
  const { exit, outputs } = await step({ images: good, "sarif-file": "absent/verdict.sarif" });
  assert.deepEqual([exit, outputs], [2, {}]);
});
