import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { policyCheckSchema } from "../../src/report/policy-check.ts";
import { run, trustedBuilds } from "../verify/command.ts";
import { temporaryFiles } from "../verify/temporary-files.ts";

const main = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
const write = temporaryFiles();
const good = write("good.yml", "version: 1\n");
const bad = write("bad.yml", "version: 1\nbuild: []\ntrust: { roles: { inputs: none } }\n");

test("policy check exits with 0 for a policy, and tells what is hardly meant", async () => {
  const { exit, stdout, stderr } = await trustedBuilds(["policy", "check", good]);
  assert.deepEqual([exit, stderr], [0, ""]);
  const [warning, , , summary] = stdout.split("\n");
  assert.ok(warning?.startsWith(`${good}:1:1: warning: `));
  assert.match(summary ?? "", /^✔ .* can be used, with 1 warning: sha256:[0-9a-f]{64}$/);
});

test("policy check exits with 2, and tells every fault of every file with its line and a mark at the column", async () => {
  const { exit, stdout } = await trustedBuilds(["policy", "check", bad, good]);
  assert.equal(exit, 2);
  const lines = stdout.split("\n");
  const second = lines.findIndex((line) => line.startsWith(`${bad}:3:27: fault: trust.roles.inputs: `));
  assert.ok(lines[0]?.startsWith(`${bad}:2:1: fault: build: `));
  assert.equal(lines[second + 1], "    trust: { roles: { inputs: none } }");
  assert.equal(lines[second + 2]?.indexOf("^"), 4 + 26);
  assert.ok(lines.some((line) => line.startsWith(`✖ ${bad} can't be used: 2 faults`)));
  assert.ok(lines.some((line) => line.startsWith(`✔ ${good} `)));
});

test("policy check --output json is of its form, and has what was found and what may stand there", async () => {
  const { exit, stdout } = await trustedBuilds(["policy", "check", "--output", "json", bad, good]);
  assert.equal(exit, 2);
  const { files } = policyCheckSchema.parse(JSON.parse(stdout));
  assert.deepEqual(
    files.map(({ digest, faults, warnings }) => [digest === null, faults.length, warnings.length]),
    [
      [true, 2, 0],
      [false, 0, 1],
    ],
  );
  const [, roles] = files[0]?.faults ?? [];
  assert.deepEqual(
    [roles?.line, roles?.column, roles?.found, roles?.accepted],
    [3, 27, '"none"', ["attested", "pinned", "allow"]],
  );
});

test("policy check reads standard input", async () => {
  const { exit, stdout } = await run("sh", ["-c", `'${process.execPath}' '${main}' policy check - <'${bad}'`]);
  assert.equal(exit, 2);
  assert.match(stdout, /^<stdin>:2:1: fault: /);
});

test("policy check lets no text of a policy move the cursor", async () => {
  const hostile = write("hostile.yml", 'version: 1\n"\\e[2Jbuilds": []\n"\u202ebuilds": []\ntrust: "\\e[2J"\n');
  for (const output of ["text", "json"]) {
    const { exit, stdout } = await trustedBuilds(["policy", "check", "--output", output, hostile]);
    assert.equal(exit, 2);
    assert.doesNotMatch(stdout.replaceAll("\n", ""), /[\p{Cc}\p{Cf}]/u);
  }
});

test("policy check exits with 2 where there is nothing to read", async () => {
  for (const args of [[], ["absent.yml"], ["-", "-"], ["--output", "xml", good]]) {
    const { exit, stdout, stderr } = await trustedBuilds(["policy", "check", ...args]);
    assert.deepEqual([exit, stdout], [2, ""], args.join(" "));
    assert.match(stderr, /^trusted-builds: /, args.join(" "));
  }
});

test("policy schema prints what docs/policy.schema.json holds", async () => {
  const { exit, stdout } = await trustedBuilds(["policy", "schema"]);
  assert.equal(exit, 0);
  assert.deepEqual(JSON.parse(stdout), JSON.parse(readFileSync("docs/policy.schema.json", "utf8")));
});

test("the help of each command of policy tells its options, exit codes, and an example", async () => {
  const codes = { check: ["0", "2", "3"], explain: ["0", "1", "2", "3", "4"], schema: ["0"] };
  for (const [command, expected] of Object.entries(codes)) {
    const { exit, stdout } = await trustedBuilds(["policy", command, "--help"]);
    assert.equal(exit, 0);
    assert.deepEqual(
      [...stdout.matchAll(/^ {2}(\d) {2}\S/gm)].map(([, code]) => code),
      expected,
    );
    assert.match(stdout, /Examples?[^\n]*:\n {2}trusted-builds policy /, command);
  }
});
