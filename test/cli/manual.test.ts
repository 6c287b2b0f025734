import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { manuals } from "../../scripts/manuals.ts";

const pages = manuals();

for (const [path, text] of Object.entries(pages))
  test(`${path} is made from the commands as they are (npm run docs)`, () => {
    assert.equal(readFileSync(path, "utf8"), text);
  });

test("the manual names every command, with each of its options and its exit codes", () => {
  const [page = "", man = ""] = Object.values(pages);
  for (const command of ["verify", "export", "diff", "log", "dockerfile", "source-policy", "policy check", "serve"]) {
    assert.match(page, new RegExp(`^## trusted-builds ${command}$`, "m"));
    assert.ok(man.includes(`.SS trusted\\-builds ${command.replaceAll("-", "\\-")}`), command);
  }
  assert.match(page, /`--server-key <pem>`/);
  assert.match(man, /^\.B \\-\\-server\\-key <pem>$/m);
  assert.match(man, /^Exit codes/m);
});

// Whoever has no groff has nobody to ask.
if (spawnSync("groff", ["--version"]).status === 0)
  test("what reads man pages has nothing to say against it", () => {
    const { status, stderr } = spawnSync("groff", ["-man", "-ww", "-Tutf8", "-z", "man/trusted-builds.1"], {
      encoding: "utf8",
    });
    assert.deepEqual([status, stderr], [0, ""]);
  });
