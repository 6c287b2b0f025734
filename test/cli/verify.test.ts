import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { after, afterEach, test } from "node:test";
import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";
import { layoutFiles, shelf, tarOf } from "../archive/on-disk.ts";
import { bundle, jsonBytes, putImage } from "../registry/image-fixture.ts";
import { cleanEnvironment, type Ended, run, told, trustedBuilds, verify } from "../verify/command.ts";
import { temporaryFiles } from "../verify/temporary-files.ts";
import { githubClaims } from "../world/github-claims.ts";
import { startOciRegistry } from "../world/oci-registry.ts";
import { GITHUB_ISSUER, startSigstore } from "../world/sigstore.ts";

const main = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
const project = fileURLToPath(new URL("../../", import.meta.url));
const write = temporaryFiles();
const registry = await startOciRegistry();
after(() => registry.close());
afterEach(() => registry.heal());

const pinned = putImage(registry);
const image = `${registry.host}/acme/app:1.0.0`;
const root = `roots: [{ image: "${registry.host}/acme/app@${pinned.digest}", reason: "looked at it", expires: 2099-01-01 }]`;
const trusting = write("trusting.yml", `version: 1\ntrust:\n  ${root}\n`);
const nobody = write("nobody.yml", "version: 1\n");

/** Escape sequences, and whatever else would move a cursor. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

const ESCAPE = "\u001b";
/** Clears the line, on which the progress stood. */
const CLEAR = `\r${ESCAPE}[2K`;

const isOneLine = (text: string) => /^trusted-builds: [^\n]+\n$/.test(text);

test("exits with 0 for a trusted image", async () => {
  const { exit, stdout, stderr } = await trustedBuilds(["verify", "--policy", trusting, image]);
  assert.equal(exit, 0);
  assert.match(stdout, /^✔ TRUSTED {2}/m);
  assert.equal(stderr, "");
});

test("exits with 1 for an untrusted image, with the same policy but for the root, and without any", async () => {
  for (const args of [["--policy", nobody], []]) {
    const { exit, stdout, stderr } = await trustedBuilds(["verify", ...args, image]);
    assert.equal(exit, 1);
    assert.match(stdout, /^✖ UNTRUSTED {2}/m);
    assert.equal(stderr, "");
  }
});

test("exits with 1 for a tag that isn't there", async () => {
  const { exit, verdict } = await verify(`${registry.host}/acme/app:nope`, ["--policy", trusting]);
  assert.deepEqual([exit, told(verdict)], [1, ["tag-not-found: app"]]);
});

test("exits with 3 where it could not look, and with 4 where it was refused the image itself", async () => {
  const codes: [number | null, string | undefined][] = [];
  for (const status of [500, 401, 403]) {
    registry.heal();
    registry.fail(/\/manifests\//, { status });
    const { exit, verdict } = await verify(image, ["--policy", trusting]);
    assert.equal(verdict.verdict, "undetermined");
    codes.push([exit, verdict.unreachable[0]?.code]);
  }
  assert.deepEqual(codes, [
    [3, "server-error"],
    [4, "credentials-refused"],
    [4, "credentials-refused"],
  ]);
});

const wrong: Readonly<Record<string, readonly string[]>> = {
  "no image": ["verify"],
  "two images, one of which is none": ["verify", image, "Acme/App"],
  "a name for two images": ["verify", "--as", "ghcr.io/acme/app", "oci:a", "oci:b"],
  "a summary of two images": ["verify", "--vsa", "a.jsonl", image, image],
  "a list of images that isn't there": ["verify", "--images-from", "absent.txt"],
  "a list that names none": ["verify", "--images-from", write("none.txt", "\n# nothing\n")],
  "an empty standard input": ["verify", "--images-from", "-"],
  "an image that is none": ["verify", "Acme/App"],
  "an empty image": ["verify", ""],
  "a URL for an image": ["verify", "https://ghcr.io/acme/app"],
  "a platform that is none": ["verify", "--platform", "linux", image],
  "an output that is none": ["verify", "--output", "xml", image],
  "an option that is none": ["verify", "--trust-me", image],
  "an option of another command": ["verify", "--key", "x", image],
  "an option without its value": ["verify", image, "--policy"],
  "an empty policy path": ["verify", "--policy", "", image],
  "a host that is none": ["verify", "--allow-host", "http://host/", image],
  "a name for an image that has one": ["verify", "--as", "ghcr.io/acme/app", image],
  "a form of image on disk without a path": ["verify", "--as", "ghcr.io/acme/app", "oci:"],
  "a folder that isn't there": ["verify", "--as", "ghcr.io/acme/app", "oci:absent"],
  "an archive that isn't there": ["verify", "--as", "ghcr.io/acme/app", "docker-archive:absent.tar"],
  "a name with a digest for what is on disk": ["verify", "--as", `a@${pinned.digest}`, "oci:absent"],
  "bundles that aren't there": ["verify", "--bundles", "absent.jsonl", image],
  "a connection, with --offline": ["verify", "--offline", "--refresh-roots", image],
  "no command": [],
  "a command that is none": ["trust", image],
};
for (const [what, args] of Object.entries(wrong)) {
  test(`exits with 2 for ${what}, and judges nothing`, async () => {
    const before = registry.requests.length;
    const { exit, stdout, stderr } = await trustedBuilds(args);
    assert.deepEqual([exit, stdout], [2, ""]);
    assert.notEqual(stderr, "");
    assert.ok(args.length === 0 || stderr.startsWith("trusted-builds: "), stderr);
    assert.equal(registry.requests.length, before, "nothing was asked");
  });
}

test("exits with 2 where a file can't be read, and says which", async () => {
  const directory = write("directory", "").replace(/[^/]*$/, "");
  const bad = write("bad.json", "no JSON");
  for (const [option, path] of [
    ["--policy", "absent.yml"],
    ["--policy", directory],
    ["--trusted-root", "absent.json"],
    ["--trusted-root", directory],
    ["--trusted-root", bad],
    ["--trusted-root", write("empty.json", "{}")],
  ] as const) {
    const { exit, stdout, stderr } = await trustedBuilds(["verify", option, path, image]);
    assert.deepEqual([exit, stdout], [2, ""], path);
    assert.ok(stderr.includes(path), stderr);
    assert.ok(isOneLine(stderr), stderr);
  }
});

test("exits with 2 for a policy with faults, and tells each with file, line and column", async () => {
  const policy = write(
    "faulty.yml",
    'version: 1\ntrust:\n  builder: []\n  roots:\n    - { image: "ghcr.io/acme/app:1", reason: "", expires: tomorrow }\n',
  );
  const { exit, stdout, stderr } = await trustedBuilds(["verify", "--policy", policy, image]);
  assert.deepEqual([exit, stdout], [2, ""]);
  const places = stderr
    .replace("trusted-builds: ", "")
    .trimEnd()
    .split("\n")
    .map((line) => line.replace(`${policy}:`, "").split(": ").slice(0, 2).join(" "));
  assert.deepEqual(places.sort(), [
    "3:3 trust.builder",
    "5:16 trust.roots[0].image",
    "5:46 trust.roots[0].reason",
    "5:59 trust.roots[0].expires",
  ]);
});

test("exits with 2 for a policy that isn't one, rather than with the default's answer", async () => {
  for (const text of ["", "[]", "version: 2\n", "version: 1\nversion: 1\n", "\u0000", "a: *b"]) {
    const { exit, stdout } = await trustedBuilds(["verify", "--policy", write("policy.yml", text), image]);
    assert.deepEqual([exit, stdout], [2, ""], JSON.stringify(text));
  }
});

test("prints one JSON document for every verdict", async () => {
  const trusted = await verify(image, ["--policy", trusting]);
  assert.deepEqual([trusted.verdict.verdict, trusted.stderr], ["trusted", ""]);
  const untrusted = await verify(image, ["--policy", nobody]);
  assert.deepEqual([untrusted.verdict.verdict, untrusted.stderr], ["untrusted", ""]);
  assert.equal(untrusted.verdict.image.digest, pinned.digest);
  registry.fail(/./, "reset");
  const undetermined = await verify(image, ["--policy", nobody]);
  assert.deepEqual([undetermined.verdict.verdict, undetermined.verdict.image.digest], ["undetermined", null]);
});

test("judges the digest that was asked for, whatever the tag beside it points at", async () => {
  const other = putImage(registry, "2.0.0");
  const asked = `${registry.host}/acme/app:2.0.0@${pinned.digest}`;
  const { exit, verdict } = await verify(asked, ["--policy", trusting]);
  assert.deepEqual([exit, verdict.image.digest], [0, pinned.digest]);
  assert.equal((await verify(`${registry.host}/acme/app@${other.digest}`, ["--policy", trusting])).exit, 1);
});

test("writes no escapes where the output is piped, whatever the environment wants", async () => {
  for (const env of [{}, { FORCE_COLOR: "1", TERM: "xterm-256color" }, { NO_COLOR: "1" }]) {
    const { stdout, stderr } = await trustedBuilds(["verify", "--policy", nobody, image], { env });
    assert.ok(!(stdout + stderr).includes(ESCAPE));
  }
});

/** Runs a shell command on a terminal of its own. */
async function onTerminal(redirection: string, env: Record<string, string> = {}): Promise<Ended> {
  const command = `'${process.execPath}' '${main}' verify --policy '${nobody}' '${image}' ${redirection}`;
  const args = ["--quiet", "--return", "--command", command, "/dev/null"];
  return run("script", args, { env: { TERM: "xterm", SHELL: "/bin/sh", ...env } });
}
const terminal = { skip: existsSync("/usr/bin/script") || process.env.CI ? false : "no script (util-linux) here" };

test("has colours on a terminal, and none with NO_COLOR or on one that can't", terminal, async () => {
  const coloured = await onTerminal("2>/dev/null");
  assert.equal(coloured.exit, 1);
  assert.ok(coloured.stdout.includes(`${ESCAPE}[31m✖ UNTRUSTED${ESCAPE}[0m`));
  const plain = await onTerminal("2>/dev/null", { NO_COLOR: "1" });
  assert.ok(!plain.stdout.includes(ESCAPE));
  const dumb = await onTerminal("2>/dev/null", { TERM: "dumb" });
  assert.ok(!dumb.stdout.includes(ESCAPE));
  const stable = (text: string) => stripVTControlCharacters(text).replace(/as of .*/, "");
  assert.equal(stable(coloured.stdout), stable(plain.stdout));
});

test(
  "tells its progress on standard error, on a terminal only, and takes it away before the verdict",
  terminal,
  async () => {
    const { stdout: progress } = await onTerminal(">/dev/null");
    assert.match(progress, /\d+ requests/);
    assert.ok(progress.endsWith(CLEAR), JSON.stringify(progress));
    const { stdout: both } = await onTerminal("");
    const last = both.slice(both.lastIndexOf(CLEAR));
    assert.match(last, /UNTRUSTED/);
    assert.doesNotMatch(last, /requests/);
  },
);

test("never writes what a stranger wrote to a terminal raw", async (t) => {
  const hostile = "https://github.com/acme/app\u001b[2J\u009b2J\u202e\r\n✔ TRUSTED\u2028";
  const sigstore = await startSigstore();
  t.after(() => sigstore.close());
  const about = putImage(registry, "hostile", "acme/hostile");
  const statement = {
    _type: "https://in-toto.io/Statement/v1",
    subject: [{ digest: { sha256: about.digest.slice(7) } }],
    predicateType: "https://slsa.dev/provenance/v1",
    predicate: {},
  };
  const bundle = await sigstore.sign(jsonBytes(statement), githubClaims(), { overrideExtensions: { 12: hostile } });
  const bytes = jsonBytes(bundle);
  const layer = { mediaType: bundle.mediaType, digest: registry.putBlob("acme/hostile", bytes), size: bytes.length };
  const empty = jsonBytes({});
  registry.putManifest(
    "acme/hostile",
    jsonBytes({
      schemaVersion: 2,
      mediaType: "application/vnd.oci.image.manifest.v1+json",
      artifactType: bundle.mediaType,
      config: {
        mediaType: "application/vnd.oci.empty.v1+json",
        digest: registry.putBlob("acme/hostile", empty),
        size: empty.length,
      },
      layers: [layer],
      subject: { mediaType: "application/vnd.oci.image.manifest.v1+json", digest: about.digest, size: 1 },
    }),
    "application/vnd.oci.image.manifest.v1+json",
  );
  const policy = write(
    "policy.yml",
    `version: 1
trust:
  builders:
    - images: ["${registry.host}/acme/hostile"]
      github: { repository: acme/app, workflow: "acme/app/.github/workflows/release.yml@refs/tags/v*", issuer: "${GITHUB_ISSUER}" }
`,
  );
  const trustedRoot = write("trusted_root.json", JSON.stringify(sigstore.trustedRoot));
  const args = ["--policy", policy, "--trusted-root", trustedRoot];
  const { verdict } = await verify(`${registry.host}/acme/hostile:hostile`, args);
  assert.deepEqual(told(verdict), ["source-repository: hostile"]);
  for (const output of ["text", "json"]) {
    const ended = await trustedBuilds(["verify", ...args, "--output", output, `${registry.host}/acme/hostile:hostile`]);
    assert.equal(ended.exit, 1);
    assert.equal(ended.stderr, "");
    assert.ok(ended.stdout.includes("https://github.com/acme/app"));
    for (const line of ended.stdout.split("\n")) {
      assert.ok(!UNSAFE.test(line), JSON.stringify(line));
      assert.ok(!line.startsWith("✔"), line);
    }
  }
  const name = "acme\u001b[2J\u202e/app\n";
  for (const wrongArgs of [["verify", name], [name], ["verify", `--${name}`], ["verify", "--policy", name, image]]) {
    const { exit, stderr } = await trustedBuilds(wrongArgs);
    assert.equal(exit, 2);
    for (const line of stderr.split("\n")) assert.ok(!UNSAFE.test(line), JSON.stringify(line));
  }
});

test("isn't upset by a reader that has gone, and keeps its exit code", async () => {
  for (const [policy, expected] of [
    [trusting, 0],
    [nobody, 1],
  ] as const) {
    const child = spawn(process.execPath, [main, "verify", "--policy", policy, image], {
      env: cleanEnvironment(),
      stdio: ["ignore", "pipe", "pipe"],
    });
    child.stdout.destroy();
    let stderr = "";
    child.stderr.on("data", (chunk) => {
      stderr += chunk;
    });
    const exit = await new Promise((resolve) => child.on("close", resolve));
    assert.deepEqual([exit, stderr], [expected, ""]);
  }
});

test("exits with 3, as one that could not look, where nobody can have seen the verdict", {
  skip: !existsSync("/dev/full"),
}, async () => {
  const command = `'${process.execPath}' '${main}' verify --policy '${trusting}' '${image}' >/dev/full`;
  const { exit, stderr } = await run("sh", ["-c", command]);
  assert.equal(exit, 3);
  assert.match(stderr, /ENOSPC/);
});

const options = {
  verify: [
    "--platform",
    "--as",
    "--policy",
    "--trusted-root",
    "--refresh-roots",
    "--allow-host",
    "--bundles",
    "--offline",
    "--no-cache",
    "--output",
    "--images-from",
    "--quiet",
    "--vsa",
    "--vsa-key",
    "--vsa-id",
    "--vsa-tsa",
    "--server",
    "--server-key",
    "--server-id",
    "--max-age",
    "--minimum-level",
    "--evidence",
    "--evidence-roots",
    "--help",
  ],
  "verify-bundle": [
    "--bundle",
    "--certificate-identity",
    "--certificate-oidc-issuer",
    "--key",
    "--trusted-root",
    "--help",
  ],
} as const;
for (const [command, names] of Object.entries(options)) {
  test(`the help of ${command} tells every option, the exit codes, and an example`, async () => {
    const { exit, stdout, stderr } = await trustedBuilds([command, "--help"]);
    assert.deepEqual([exit, stderr], [0, ""]);
    const listed = [...stdout.matchAll(/^ {2}(?:-\w, )?(--[a-z-]+)/gm)].map(([, name]) => name);
    assert.deepEqual(listed, names);
    const codes = [...stdout.matchAll(/^ {2}(\d) {2}\S/gm)].map(([, code]) => code);
    assert.deepEqual(codes, command === "verify" ? ["0", "1", "2", "3", "4"] : ["0", "1", "2"]);
    assert.match(stdout, /Examples?:\n {2}trusted-builds /);
    assert.doesNotMatch(stdout, /default: \[\]/);
  });
}

test("tells every command in its own help", async () => {
  const { exit, stdout } = await trustedBuilds(["--help"]);
  assert.equal(exit, 0);
  for (const command of Object.keys(options)) assert.match(stdout, new RegExp(`^ {2}${command} `, "m"));
});

test("npx runs it from a subfolder of a checkout", async () => {
  const { version } = JSON.parse(readFileSync(`${project}package.json`, "utf8"));
  mkdirSync(`${project}docs`, { recursive: true });
  const { exit, stdout } = await run("npx", ["--offline", "trusted-builds", "--version"], { cwd: `${project}docs` });
  assert.deepEqual([exit, stdout], [0, `${version}\n`]);
});

test("R4 doesn't let an archive choose its judge: with the default policy the name is the caller's to give", async () => {
  const stock = shelf(registry.host);
  for (const digest of [pinned.digest, ...configAndLayers(pinned.digest)])
    stock.putBlob("", registry.read("acme/app", digest));
  const named = { "io.containerd.image.name": "ghcr.io/stranger/app:1.0.0" };
  const entry = { ...stock.entry(pinned.digest, named), mediaType: "application/vnd.oci.image.manifest.v1+json" };
  const archive = write("app.tar", tarOf(layoutFiles(stock, [entry])));
  const refused = await trustedBuilds(["verify", "--offline", `oci-archive:${archive}`]);
  assert.deepEqual([refused.exit, refused.stdout], [2, ""]);
  assert.match(refused.stderr, /ghcr\.io\/stranger\/app.*--as NAME/);
  const asked = await verify(`oci-archive:${archive}`, ["--offline", "--as", "ghcr.io/stranger/app"]);
  assert.deepEqual([asked.exit, told(asked.verdict)], [1, ["unattested: app"]]);
  const broken = write("broken.jsonl", `{\n${JSON.stringify(bundle())}\n`);
  const args = ["--offline", "--policy", nobody, "--bundles", broken, `oci-archive:${archive}`];
  const text = await trustedBuilds(["verify", ...args]);
  assert.equal(text.exit, 1);
  assert.match(text.stdout, /^ {2}from {4}oci-archive:.*only what stands in it/m);
  assert.ok(isOneLine(text.stderr), text.stderr);
  assert.match(text.stderr, /left out .*broken\.jsonl, line 1: /);
});

function configAndLayers(digest: string): readonly string[] {
  const { config, layers } = JSON.parse(Buffer.from(registry.read("acme/app", digest)).toString());
  return [config, ...layers].map((descriptor: { digest: string }) => descriptor.digest);
}
