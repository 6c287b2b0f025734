import assert from "node:assert/strict";
import { tmpdir } from "node:os";
import { after, afterEach, test } from "node:test";
import { type DiffArguments, diffCommand } from "../../src/cli/diff.ts";
import { UsageError } from "../../src/cli/exit-code.ts";
import { verdictChangeSchema } from "../../src/report/verdict-change-json.ts";
import { putImage } from "../registry/image-fixture.ts";
import { trustedBuilds } from "../verify/command.ts";
import { temporaryFiles } from "../verify/temporary-files.ts";
import { startOciRegistry } from "../world/oci-registry.ts";
import { NO_SETTINGS, runHere } from "./in-process.ts";

const write = temporaryFiles();
const registry = await startOciRegistry();
after(() => registry.close());
afterEach(() => registry.heal());

const pinned = putImage(registry);
putImage(registry, "2.0.0");
const good = `${registry.host}/acme/app:1.0.0`;
const bad = `${registry.host}/acme/app:2.0.0`;
const root = `roots: [{ image: "${registry.host}/acme/app@${pinned.digest}", reason: "looked at it", expires: 2099-01-01 }]`;
const policy = write("policy.yml", `version: 1\ntrust:\n  ${root}\n`);
const diff = (before: string, after: string, args: Partial<DiffArguments> = {}) =>
  runHere((here) => diffCommand({ ...NO_SETTINGS, policy, output: "text", before, after, ...args }, here), {
    homeDirectory: tmpdir(),
  });

test("exits by whether the second is worse, and says what is wrong with it that wasn't with the first", async () => {
  const worse = await diff(good, bad);
  assert.deepEqual([worse.exit, worse.stderr], [1, ""]);
  assert.match(worse.stdout, /^from {2}✔ trusted, .*\nto {4}✖ untrusted, .*\n✖ worse: /);
  assert.match(worse.stdout, /What is wrong that wasn't\n\+ unattested: .*\n {4}mend: /);
  const better = await diff(bad, good);
  assert.equal(better.exit, 0);
  assert.match(better.stdout, /What is wrong no more\n- unattested: /);
  assert.equal((await diff(bad, bad, { quiet: true })).stdout, "");
  assert.equal((await diff(bad, bad)).exit, 0);
});

test("R15 exits with 3 and 4 where it can't be told", async () => {
  registry.fail(/manifests\/2\.0\.0/, { status: 500 });
  assert.equal((await diff(good, bad)).exit, 3);
  registry.heal();
  registry.fail(/manifests\/2\.0\.0/, { status: 403 });
  assert.equal((await diff(good, bad)).exit, 4);
  // Of the first nothing is known: what is wrong with the second may have been wrong with it.
  registry.heal();
  registry.fail(/manifests\/1\.0\.0/, { status: 500 });
  assert.equal((await diff(good, bad)).exit, 3);
});

test("answers as JSON in its form, and as Markdown in which a name of strangers is no markup", async () => {
  const { stdout } = await diff(good, bad, { output: "json" });
  const document = verdictChangeSchema.parse(JSON.parse(stdout));
  assert.deepEqual(
    [document.standing, document.before.verdict, document.after.verdict],
    ["worse", "trusted", "untrusted"],
  );
  assert.deepEqual(
    document.faults.gained.map(({ code }) => code),
    ["unattested"],
  );
  const page = await diff(good, bad, { output: "markdown" });
  assert.match(page.stdout, /^## ✖ Worse\n\n- from `/);
});

test("R34 compares with what a file of evidence holds, as far as is known now and by the asker's policy", async () => {
  const file = write("app.evidence.tar", "");
  await trustedBuilds(["export", "--policy", policy, "-o", file, good]);
  const nobody = write("nobody.yml", "version: 1\n");
  assert.equal((await diff(`evidence:${file}`, bad)).exit, 1);
  // By a policy that it wasn't exported for, what would have to be looked at isn't in it.
  assert.equal((await diff(`evidence:${file}#${good}`, good, { policy: nobody })).exit, 3);
  for (const before of [
    `evidence:${file}`,
    `evidence:${file}#${bad}`,
    "evidence:",
    "evidence:absent.tar#x",
    "oci:absent",
  ])
    await assert.rejects(diff(before, good, { policy: undefined } as never), UsageError, before);
});

test("the command line has it", async () => {
  assert.equal((await trustedBuilds(["diff", "--policy", policy, "--quiet", bad, good])).exit, 0);
  assert.equal((await trustedBuilds(["diff", good])).exit, 2);
});
