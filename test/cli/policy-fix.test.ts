import assert from "node:assert/strict";
import { chmodSync, lstatSync, readdirSync, readFileSync, statSync, symlinkSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname } from "node:path";
import { after, test } from "node:test";
import { replaceFile } from "../../src/cli/replace-file.ts";
import { policyCheckSchema } from "../../src/report/policy-check.ts";
import { trustedBuilds } from "../verify/command.ts";
import { temporaryFiles } from "../verify/temporary-files.ts";

const write = temporaryFiles();
const asked: string[] = [];
/** A server of an enterprise's own, on the loopback. */
const github = createServer(({ url = "", headers }, response) => {
  asked.push(`${url} ${headers.authorization ?? "nobody"}`);
  const found = url === "/api/v3/repos/acme/app";
  response.writeHead(found ? 200 : 404, { "content-type": "application/json" });
  const answer = { id: 42, full_name: "acme/app", owner: { id: 7, login: "acme" } };
  response.end(JSON.stringify(found ? answer : { message: "Not \u001b[2JFound" }));
});
await new Promise<void>((resolve) => github.listen(0, "127.0.0.1", resolve));
after(() => github.close());
const server = `http://127.0.0.1:${(github.address() as AddressInfo).port}`;

const policy = (...repositories: readonly string[]) =>
  `version: 1\ntrust:\n  builders:\n${repositories
    .map(
      (each) => `    - images: [ghcr.io/acme/app]   # ours
      github:
        repository: ${each}
        workflow: acme/b/.github/workflows/b.yml@refs/tags/v1
        server: ${server}
`,
    )
    .join("")}`;
const withIds = (text: string) =>
  text.replace("repository: acme/app\n", "repository: acme/app\n        repository-id: 42\n        owner-id: 7\n");

test("R8 policy check --fix writes numbers into the file, tells each with its line, and keeps the file's mode", async () => {
  const file = write("policy.yml", policy("acme/app"));
  chmodSync(file, 0o640);
  const link = `${file}.link`;
  symlinkSync(file, link);
  const { exit, stdout, stderr } = await trustedBuilds(["policy", "check", "--fix", link], {
    env: { GH_TOKEN: "secret" },
  });
  assert.deepEqual([exit, stderr], [0, ""]);
  assert.equal(readFileSync(file, "utf8"), withIds(policy("acme/app")));
  assert.equal(statSync(file).mode & 0o777, 0o640);
  assert.ok(lstatSync(link).isSymbolicLink());
  assert.ok(stdout.includes(`${link}:7:9: written: trust.builders[0].github.repository-id: 42, `), stdout);
  assert.ok(stdout.includes(`${link}:8:9: written: trust.builders[0].github.owner-id: 7, `), stdout);
  assert.doesNotMatch(stdout, /warning/);
  assert.deepEqual(asked, ["/api/v3/repos/acme/app nobody"]);
  assert.deepEqual(
    readdirSync(dirname(file)).filter((name) => name.startsWith(".")),
    [],
  );
});

test("R8 policy check --fix exits with 3 where GitHub doesn't tell, and writes what it told", async () => {
  const file = write("policy.yml", policy("acme/hidden", "acme/app"));
  const { exit, stdout } = await trustedBuilds(["policy", "check", "--fix", "--output", "json", file]);
  assert.equal(exit, 3);
  assert.equal(readFileSync(file, "utf8"), withIds(policy("acme/hidden", "acme/app")));
  const [told] = policyCheckSchema.parse(JSON.parse(stdout)).files;
  assert.deepEqual(
    told?.written.map(({ line, value }) => [line, value]),
    [
      [12, 42],
      [13, 7],
    ],
  );
  assert.deepEqual(
    told?.unseen.map(({ line, code }) => [line, code]),
    [[6, "not-found-unproven"]],
  );
  assert.deepEqual(
    told?.warnings.map(({ line, code }) => [line, code]),
    [[6, "no-ids"]],
  );
  const { stdout: text } = await trustedBuilds(["policy", "check", "--fix", file]);
  assert.ok(text.includes(`${file}:6:9: not looked at: trust.builders[0].github.repository: `), text);
  assert.doesNotMatch(text.replaceAll("\n", ""), /[\p{Cc}\p{Cf}]/u);
});

test("policy check --fix leaves a file with faults, and mends the one beside it", async () => {
  const faulty = `${policy("acme/app")}unknown: 1\n`;
  const [bad, good] = [write("bad.yml", faulty), write("good.yml", policy("acme/app"))];
  const { exit } = await trustedBuilds(["policy", "check", "--fix", bad, good]);
  assert.equal(exit, 2);
  assert.equal(readFileSync(bad, "utf8"), faulty);
  assert.equal(readFileSync(good, "utf8"), withIds(policy("acme/app")));
});

test("policy check without --fix asks nobody and writes nothing, and names the flag", async () => {
  const file = write("policy.yml", policy("acme/app"));
  const before = asked.length;
  const { exit, stdout } = await trustedBuilds(["policy", "check", file]);
  assert.deepEqual([exit, asked.length, readFileSync(file, "utf8")], [0, before, policy("acme/app")]);
  assert.match(stdout, /policy check --fix/);
});

test("policy check --fix can't write into standard input", async () => {
  const { exit, stdout, stderr } = await trustedBuilds(["policy", "check", "--fix", "-"]);
  assert.deepEqual([exit, stdout], [2, ""]);
  assert.match(stderr, /--fix/);
});

test("a file that changed since it was read isn't replaced, and no draft stays", async () => {
  const file = write("policy.yml", "newer");
  await assert.rejects(replaceFile(file, Buffer.from("older"), Buffer.from("ours")));
  assert.equal(readFileSync(file, "utf8"), "newer");
  assert.deepEqual(
    readdirSync(dirname(file)).filter((name) => name.startsWith(".")),
    [],
  );
});
