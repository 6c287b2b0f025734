import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

const manifest = JSON.parse(readFileSync("package.json", "utf8")) as {
  version: string;
  bin: Record<string, string>;
  private?: boolean;
};

test("npx finds an executable command in a checkout", () => {
  const command = manifest.bin["trusted-builds"] ?? "";
  assert.match(readFileSync(command, "utf8"), /^#!\/usr\/bin\/env node\n/);
  assert.equal(statSync(command).mode & 0o111, 0o111);
});

test("the checkout itself can't be published by mistake: only what the build makes", () => {
  assert.equal(manifest.private, true);
});

test("the package that npm publishes judges images where none of its dependencies is: only the server needs them", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "trusted-builds-package-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  execFileSync(process.execPath, ["scripts/build.ts", join(folder, "package")], {
    stdio: ["ignore", "ignore", "inherit"],
  });

  const built = JSON.parse(readFileSync(join(folder, "package/package.json"), "utf8")) as Record<string, unknown>;
  assert.equal(built.version, manifest.version);
  const { dependencies } = JSON.parse(readFileSync("package.json", "utf8")) as { dependencies: Record<string, string> };
  for (const [name, wanted] of Object.entries(built.dependencies as Record<string, string>))
    assert.equal(wanted, dependencies[name], name);
  assert.match(readFileSync(join(folder, "package/THIRD-PARTY-LICENSES.txt"), "utf8"), /@sigstore\/verify/);

  const run = (...args: readonly string[]) =>
    execFileSync(process.execPath, [join(folder, "package/main.js"), ...args], { cwd: folder, encoding: "utf8" });
  assert.equal(run("--version").trim(), manifest.version);
  assert.match(run("--help"), /verify/);
});
