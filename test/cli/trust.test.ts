import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { UsageError } from "../../src/cli/exit-code.ts";
import { currentRoots, trustUpdateCommand } from "../../src/cli/trust.ts";
import { digestOf } from "../../src/image/digest.ts";
import { createInstance } from "../sigstore/instance.ts";
import { startRepository } from "../sigstore/tuf-repository.ts";

async function setUp(context: TestContext) {
  const home = mkdtempSync(join(tmpdir(), "home-"));
  const repository = await startRepository();
  context.after(async () => {
    await repository.close();
    rmSync(home, { recursive: true });
  });
  const trustedRoot = Buffer.from(JSON.stringify(createInstance().trustedRoot));
  repository.publish({ version: 1, trustedRoot });
  const said = { stdout: "", stderr: "" };
  const stream = (name: keyof typeof said) =>
    ({
      write: (text: string) => {
        said[name] += text;
        return true;
      },
    }) as NodeJS.WriteStream;
  return {
    home,
    said,
    digest: digestOf(trustedRoot),
    source: { name: "github", url: repository.url, initialRoot: repository.initialRoot },
    surroundings: {
      env: {},
      homeDirectory: home,
      stdout: stream("stdout"),
      stderr: stream("stderr"),
      now: () => new Date("2026-11-01T00:00:00Z"),
    },
  };
}

test("trust update keeps the newest roots in the user's cache, from where verify takes them", async (context) => {
  const { home, said, digest, source, surroundings } = await setUp(context);
  assert.equal(await trustUpdateCommand(surroundings, [source]), 0);
  assert.ok(said.stdout.includes(`github  ${digest}\n`) && said.stdout.startsWith("sigstore-public-good  sha256:"));
  assert.equal(said.stderr, "");
  assert.equal(statSync(join(home, ".cache/trusted-builds/roots")).mode & 0o777, 0o700);
  assert.equal((await currentRoots(false, surroundings)).roots[1]?.digest, digest);
  const elsewhere = { ...surroundings, env: { XDG_CACHE_HOME: join(home, "xdg") } };
  assert.notEqual((await currentRoots(false, elsewhere)).roots[1]?.digest, digest);
});

test("trust update says which root could not be fetched, and ends undetermined", async (context) => {
  const { said, source, surroundings } = await setUp(context);
  assert.equal(await trustUpdateCommand(surroundings, [{ ...source, url: `${source.url}/nowhere` }]), 3);
  assert.match(said.stderr, /^trusted-builds: warning: refresh trusted root github from .*kept\n$/);
});

test("verify says of kept roots that others could have written that they aren't used", async (context) => {
  const { home, said, digest, source, surroundings } = await setUp(context);
  await trustUpdateCommand(surroundings, [source]);
  chmodSync(join(home, ".cache/trusted-builds/roots"), 0o777);
  assert.notEqual((await currentRoots(false, surroundings)).roots[1]?.digest, digest);
  assert.match(said.stderr, /github in .* is not used/);
  await assert.rejects(trustUpdateCommand(surroundings, [source]), UsageError);
});
