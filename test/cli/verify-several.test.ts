import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { after, afterEach, test } from "node:test";
import { UsageError, worstExit } from "../../src/cli/exit-code.ts";
import type { VerifyArguments } from "../../src/cli/verify.ts";
import { verdictSchema } from "../../src/report/json.ts";
import { putImage } from "../registry/image-fixture.ts";
import { trustedBuilds } from "../verify/command.ts";
import { temporaryFiles } from "../verify/temporary-files.ts";
import { startOciRegistry } from "../world/oci-registry.ts";
import { type Room, verifyHere } from "./in-process.ts";

const write = temporaryFiles();
const registry = await startOciRegistry();
after(() => registry.close());
afterEach(() => registry.heal());

const pinned = putImage(registry);
putImage(registry, "2.0.0", "acme/other");
const good = `${registry.host}/acme/app:1.0.0`;
const bad = `${registry.host}/acme/other:2.0.0`;
const absent = "oci:absent";
const root = `roots: [{ image: "${registry.host}/acme/app@${pinned.digest}", reason: "looked at it", expires: 2099-01-01 }]`;
const policy = write("policy.yml", `version: 1\ntrust:\n  ${root}\n`);

const verify = (images: readonly string[], args: Partial<VerifyArguments> = {}, room: Partial<Room> = {}) =>
  verifyHere({ images, policy, ...args }, { homeDirectory: tmpdir(), ...room });
const jsonLines = (text: string) =>
  text
    .trimEnd()
    .split("\n")
    .map((line) => verdictSchema.parse(JSON.parse(line)));

test("exits with the worst of several images: no verdict, untrusted, refused, undetermined, and trusted only if all are", () => {
  const order = [2, 1, 4, 3, 0] as const;
  order.forEach((worst, i) => {
    const rest = order.slice(i);
    assert.equal(worstExit(rest), worst);
    assert.equal(worstExit(rest.toReversed()), worst);
  });
  assert.equal(worstExit([]), 2);
});

test("judges each image for itself, and says at the end what became of all", async () => {
  const { exit, stdout, stderr } = await verify([good, bad]);
  assert.deepEqual([exit, stderr], [1, ""]);
  assert.equal(stdout.match(/^✖ UNTRUSTED {2}/gm)?.length, 2);
  assert.match(
    stdout,
    /\n\nAll that was asked\n✔ TRUSTED .*\/acme\/app.*\n✖ UNTRUSTED .*\/acme\/other.*\n1 of 2 trusted\n$/,
  );
  assert.equal((await verify([good, good])).exit, 0);
});

test("R15 one image that could not be looked at keeps the others from nothing, and all of them from being trusted", async () => {
  registry.fail(/acme\/other\/manifests/, { status: 403 });
  const { exit, stdout } = await verify([bad, good], { output: "jsonl" });
  assert.deepEqual([exit, jsonLines(stdout).map(({ verdict }) => verdict)], [4, ["undetermined", "trusted"]]);
});

test("an image that can't be judged as it was asked for keeps the others from nothing, and is told", async () => {
  const text = await verify([absent, good]);
  assert.deepEqual([text.exit, text.stderr.startsWith(`trusted-builds: ${absent}: `)], [2, true]);
  assert.match(text.stdout, /! NO VERDICT +oci:absent: .*\n✔ TRUSTED .*\n1 of 2 trusted\n$/);
  const lines = await verify([absent, bad], { output: "jsonl" });
  assert.deepEqual([lines.exit, jsonLines(lines.stdout).length], [2, 1]);
  const [run] = JSON.parse((await verify([absent, good], { output: "sarif" })).stdout).runs;
  assert.equal(run.invocations[0].executionSuccessful, false);
  await assert.rejects(verify([absent]), UsageError);
});

test("JSON is a document after the other, of one image and of several, and JSONL one a line", async () => {
  const one = await verify([good], { output: "json" });
  const other = await verify([bad], { output: "json" });
  const both = await verify([good, bad], { output: "json" });
  assert.equal(both.stdout, one.stdout + other.stdout);
  const lines = await verify([good, bad], { output: "jsonl" });
  assert.deepEqual(
    jsonLines(lines.stdout),
    [one, other].map(({ stdout }) => JSON.parse(stdout)),
  );
});

test("SARIF and Markdown are one file for all images", async () => {
  const sarif = JSON.parse((await verify([good, bad], { output: "sarif" })).stdout);
  assert.equal(sarif.runs.length, 1);
  assert.deepEqual(
    sarif.runs[0].results.map((each: { ruleId: string }) => each.ruleId),
    ["unattested"],
  );
  const { stdout, exit } = await verify([good, bad], { output: "markdown" });
  assert.deepEqual([exit, stdout.match(/^## .*/gm)?.length], [1, 2]);
});

test("is quiet but for its exit code and errors", async () => {
  for (const output of ["text", "json", "jsonl", "sarif", "markdown"] as const) {
    const { exit, stdout, stderr } = await verify([good, bad], { quiet: true, output });
    assert.deepEqual([exit, stdout, stderr], [1, "", ""], output);
  }
  const page = write("quiet.md", "");
  const runner = { GITHUB_ACTIONS: "true", GITHUB_STEP_SUMMARY: page };
  const { stderr } = await verify([absent, bad], { quiet: true }, { env: runner });
  assert.match(stderr, /^trusted-builds: oci:absent: [^\n]*\n$/);
  assert.equal(readFileSync(page, "utf8"), "");
});

test("takes more images from a file and from standard input, without empty lines and comments", async () => {
  const list = `# those of the cluster\n\n  ${bad}\r\n${good}\n`;
  for (const [imagesFrom, stdin] of [
    [write("images.txt", list), ""],
    ["-", list],
  ] as const) {
    const { stdout } = await verify([good], { imagesFrom, output: "jsonl" }, { stdin });
    assert.deepEqual(
      jsonLines(stdout).map(({ verdict }) => verdict),
      ["trusted", "untrusted", "trusted"],
    );
  }
});

test("a list that is empty, too long or can't be read is wrong usage, and never trusted", async () => {
  const lists = ["", "\n#\n", `${good}\n`.repeat(1001), `#${"x".repeat(1024 * 1024)}\n${good}\n`];
  for (const stdin of lists) await assert.rejects(verify([], { imagesFrom: "-" }, { stdin }), UsageError);
  await assert.rejects(verify([good], { imagesFrom: "absent.txt" }), UsageError);
  await assert.rejects(verify([]), UsageError);
});

test("one image wrongly named among several is found before anything is asked", async () => {
  const before = registry.requests.length;
  await assert.rejects(verify([good, "Acme/App"]), UsageError);
  await assert.rejects(verify(["oci:a", "oci:b"], { as: "ghcr.io/acme/app" }), UsageError);
  assert.equal(registry.requests.length, before);
});

test("under GitHub Actions each fault is an annotation on standard error, and standard output stays as it is", async () => {
  const page = write("summary.md", "# before\n");
  const env = { GITHUB_ACTIONS: "true", GITHUB_STEP_SUMMARY: page };
  const outside = await verify([good, bad], { output: "jsonl" });
  const { stdout, stderr, exit } = await verify([good, bad], { output: "jsonl" }, { env });
  assert.deepEqual([exit, stdout], [1, outside.stdout]);
  assert.match(stderr, /^::error title=untrusted%2C unattested::[^\n]+\n$/);
  const summary = readFileSync(page, "utf8");
  assert.match(summary, /^# before\n\| verdict \| image \|\n/);
  assert.match(summary, /^## ✖ Untrusted: /m);
});

test("a page of the run that can't be written is told, and changes no exit code", async () => {
  const env = { GITHUB_ACTIONS: "true", GITHUB_STEP_SUMMARY: tmpdir() };
  const { exit, stderr } = await verify([good], {}, { env });
  assert.equal(exit, 0);
  assert.match(stderr, /^trusted-builds: write the job's summary: /);
});

test("outside of GitHub Actions nothing is annotated, and no page is written", async () => {
  const page = write("outside.md", "");
  for (const env of [{ GITHUB_STEP_SUMMARY: page }, { GITHUB_ACTIONS: "false", GITHUB_STEP_SUMMARY: page }]) {
    assert.equal((await verify([bad], {}, { env })).stderr, "");
    assert.equal(readFileSync(page, "utf8"), "");
  }
});

test("under GitHub Actions what strangers write is no command to the runner, in any form of output", async () => {
  const named = write(
    "hostile.yml",
    `version: 1\ntrust:\n  ${root.replace("looked at it", "fine ##[add-mask]UNTRUSTED")}\n`,
  );
  for (const output of ["text", "json", "jsonl", "markdown"] as const) {
    const inside = await verify([good], { output, policy: named }, { env: { GITHUB_ACTIONS: "true" } });
    assert.equal(inside.exit, 0);
    assert.ok(inside.stdout.includes("##\\u005badd-mask]UNTRUSTED"), output);
    assert.doesNotMatch(inside.stdout + inside.stderr, /##\[/);
    const outside = await verify([good], { output, policy: named });
    assert.match(outside.stdout, /##\[add-mask\]/);
    if (output === "json") assert.deepEqual(JSON.parse(inside.stdout), JSON.parse(outside.stdout));
  }
});

test("under GitHub Actions no mistake of whoever asks makes the program write a command, of any of its commands", async () => {
  const odd = "##[add-mask]x";
  for (const args of [["verify", "--policy", odd, good], ["verify", `--${odd}`], [odd], ["policy", "check", odd]]) {
    const inside = await trustedBuilds(args, { env: { GITHUB_ACTIONS: "true" } });
    assert.equal(inside.exit, 2);
    assert.ok(inside.stderr.includes("##\\u005badd-mask]x"), inside.stderr);
    assert.doesNotMatch(inside.stdout + inside.stderr, /##\[/);
  }
});
