import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { before, test } from "node:test";
import { Command, Option } from "commander";
import { placesOf } from "../../src/cli/completion-places.ts";
import { completionScript, SHELLS } from "../../src/cli/completion-scripts.ts";
import { trustedBuilds } from "../verify/command.ts";

const has = (shell: string) => spawnSync(shell, ["-c", "true"]).status === 0;

/** The real program's script for bash. */
let script = "";
before(async () => {
  const { exit, stdout, stderr } = await trustedBuilds(["completion", "bash"]);
  assert.deepEqual([exit, stderr], [0, ""]);
  script = stdout;
});

/** What bash would offer behind these words. */
function offered(words: readonly string[], of = script, cwd = "."): readonly string[] {
  const array = words.map((word) => `'${word}'`).join(" ");
  const ask = `${of}\nCOMP_WORDS=(trusted-builds ${array}); COMP_CWORD=${words.length}\n_trusted_builds\nprintf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr, status } = spawnSync("bash", ["--noprofile", "--norc", "-eu", "-c", ask], {
    encoding: "utf8",
    cwd,
  });
  assert.deepEqual([status, stderr], [0, ""]);
  return stdout.trimEnd().split("\n");
}

const bash = { skip: has("bash") || process.env.CI ? false : "no bash here" };

test("the scripts are ones that their shells can read, of those shells that are here", async (t) => {
  for (const shell of SHELLS.filter(has)) {
    await t.test(shell, async () => {
      const { stdout } = await trustedBuilds(["completion", shell]);
      const { status, stderr } = spawnSync(shell, ["-n"], { input: stdout, encoding: "utf8" });
      assert.deepEqual([status, stderr], [0, ""]);
    });
  }
});

test("offers the commands of the real program, and those below them", bash, () => {
  const commands = offered([""]);
  for (const command of ["verify", "policy", "trust", "serve", "completion"])
    assert.ok(commands.includes(command), command);
  assert.deepEqual(offered(["ver"]), ["verify", "verify-bundle"]);
  assert.deepEqual(offered(["policy", ""]), ["check", "explain", "schema"]);
  assert.deepEqual(offered(["completion", ""]), [...SHELLS]);
});

test("offers every option of a command, and no other's", bash, async () => {
  const { stdout } = await trustedBuilds(["verify", "--help"]);
  const told = [...stdout.matchAll(/^ {2}(?:-\w, )?(--[a-z-]+)/gm)].map(([, name]) => name);
  assert.deepEqual(offered(["verify", "--"]).toSorted(), told.toSorted());
  assert.deepEqual(offered(["policy", "check", "--f"]), ["--fix"]);
  assert.deepEqual(offered(["verify", "--f"]), [""]);
});

test("offers the choices of an option, files where it takes one, and nothing where nobody can know", bash, () => {
  assert.deepEqual(offered(["verify", "--output", "s"]), ["sarif"]);
  assert.deepEqual(offered(["verify", "--output", "=", "s"]), ["sarif"]);
  assert.deepEqual(offered(["verify", "--output", "="]), ["text", "json", "jsonl", "sarif", "markdown"]);
  assert.deepEqual(offered(["verify", "--policy", "pack"]).toSorted(), ["package-lock.json", "package.json"]);
  assert.deepEqual(offered(["verify", "--platform", ""]), [""]);
  assert.deepEqual(offered(["verify", "--quiet", ""]), [""]);
  assert.deepEqual(offered(["policy", "check", "READ"]), ["README.md"]);
});

test("leaves out of bash's words what it would expand, and quotes the rest", bash, () => {
  const odd = new Command("trusted-builds").addCommand(
    new Command("it's")
      .summary("$(touch x) `y` it's: \\")
      .addOption(new Option("--x <y>", "'; exit 1 #").choices(["a'b"])),
  );
  const scripts = SHELLS.map((shell) => completionScript(shell, "trusted-builds", placesOf(odd)));
  assert.deepEqual(offered([""], scripts[0]), [""]);
  assert.deepEqual(offered(["--"], scripts[0]), ["--help"]);
  for (const each of scripts.slice(1)) assert.doesNotMatch(each, /(?<![\\'])'; exit 1/);
});

test("exits with 2 for a shell that it doesn't know", async () => {
  const { exit, stdout } = await trustedBuilds(["completion", "csh"]);
  assert.deepEqual([exit, stdout], [2, ""]);
});
