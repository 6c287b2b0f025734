import assert from "node:assert/strict";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, beforeEach, test } from "node:test";
import { ConfigError, readConfig, withEnvFile } from "../../src/app/config.ts";
import { addToEnvFile, checkEnvFile, EnvFileError, readEnvFile } from "../../src/app/env-file.ts";

const directory = mkdtempSync(join(tmpdir(), "env-file-"));
let path: string;
let n = 0;

beforeEach(() => {
  n += 1;
  mkdirSync(join(directory, String(n)));
  path = join(directory, String(n), ".env");
});
after(() => rmSync(directory, { recursive: true, force: true }));

test("what is kept is read again, and what stood there stays", () => {
  const before = '# mine\nexport A="two\nlines"\nAPP_ID=\nB=3 # three';
  writeFileSync(path, before, { mode: 0o644 });
  checkEnvFile(path, ["APP_ID"]);
  addToEnvFile(path, { APP_ID: "7", PRIVATE_KEY: "a+b/c==" }, "the GitHub App x");
  assert.equal(readFileSync(path, "utf8"), `${before}\n# the GitHub App x\nAPP_ID=7\nPRIVATE_KEY=a+b/c==\n`);
  assert.deepEqual({ ...readEnvFile(path) }, { A: "two\nlines", APP_ID: "7", B: "3", PRIVATE_KEY: "a+b/c==" });
});

test("the file is its owner's alone, whatever it was before, and nothing is left beside it", () => {
  for (const mode of [undefined, 0o666]) {
    if (mode !== undefined) {
      writeFileSync(path, "");
      chmodSync(path, mode);
    }
    addToEnvFile(path, { APP_ID: "7" }, "x");
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.deepEqual(readdirSync(join(path, "..")), [".env"]);
    rmSync(path);
  }
});

test("a link stays a link", () => {
  const target = join(path, "../elsewhere");
  writeFileSync(target, "A=1\n");
  symlinkSync(target, path);
  addToEnvFile(path, { APP_ID: "7" }, "x");
  assert.deepEqual({ ...readEnvFile(target) }, { A: "1", APP_ID: "7" });
});

test("an app that is there already is replaced by none", () => {
  writeFileSync(path, "APP_ID=1\n");
  assert.throws(() => checkEnvFile(path, ["APP_ID"]), EnvFileError);
  assert.throws(() => addToEnvFile(path, { APP_ID: "7" }, "x"), EnvFileError);
  assert.equal(readFileSync(path, "utf8"), "APP_ID=1\n");
});

test("nothing is added where it would be read as something else", () => {
  const open = "A='begins\n";
  writeFileSync(path, open);
  // What Node makes of an open quotation mark is its own; a value that isn't read as it is written is refused in any case.
  assert.throws(() => addToEnvFile(path, { WEBHOOK_SECRET: "a#b" }, "x"), EnvFileError);
  assert.throws(() => addToEnvFile(path, { WEBHOOK_SECRET: "a\nAPP_ID=1" }, "x"), EnvFileError);
  assert.equal(readFileSync(path, "utf8"), open);
});

test("what can't be read is no absent file: the server doesn't start, and doesn't offer itself for set-up", () => {
  mkdirSync(path);
  assert.throws(() => readConfig(withEnvFile({ ENV_FILE: path })), ConfigError);
  assert.throws(() => checkEnvFile(path, []), EnvFileError);
});

test("what is set in the environment counts for more, unless it is empty", () => {
  writeFileSync(path, "PORT=1\nHOST=a\nLOG_LEVEL=warn\n");
  const { port, host, logLevel, envFile } = readConfig(withEnvFile({ ENV_FILE: path, PORT: "2", HOST: " " }));
  assert.deepEqual({ port, host, logLevel, envFile }, { port: 2, host: "a", logLevel: "warn", envFile: path });
});
