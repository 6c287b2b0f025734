import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cp } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { readConfig } from "../../src/app/config.ts";
import { serveAnswers } from "../../src/app/serve-answers.ts";
import { makeImage, NAMES } from "../faults/ancestry.ts";
import { makeAll, policyText } from "../faults/trial.ts";
import { startOciRegistry } from "../world/oci-registry.ts";
import { startSigstore } from "../world/sigstore.ts";
import { toolchain } from "../world/toolchain.ts";
import { eventually, PUBLIC_PAUSE_MS } from "./eventually.ts";
import { preparedData } from "./prepared-data.ts";

const run = promisify(execFile);
const PROGRAM = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
/** The server's name on its pages; commands of a test go to where it really is. */
const PUBLIC = "https://builds.example";

/** Of GitHub what the server asks as anybody may: every repository is there for everyone, and has no files. */
async function publicRepositories(t: TestContext): Promise<string> {
  const http = createServer(({ url = "" }, response) => {
    const [, id] = /^\/repositories\/([0-9]+)$/.exec(url) ?? [];
    const body =
      id === undefined ? { message: "Not Found" } : { id: Number(id), full_name: "acme/app", private: false };
    response.writeHead(id === undefined ? 404 : 200, { "content-type": "application/json" }).end(JSON.stringify(body));
  });
  t.after(() => http.close());
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
}

/** A server with a registry in which a trusted image is, and what signed it. */
async function serve(t: TestContext) {
  const directory = mkdtempSync(join(tmpdir(), "pages-served-"));
  const file = (name: string, text: string) => {
    const path = join(directory, name);
    writeFileSync(path, text);
    return path;
  };
  const registry = await startOciRegistry();
  t.after(() => registry.close());
  const sigstore = await startSigstore();
  t.after(() => sigstore.close());
  const signers = { registry, sigstore, stranger: sigstore };
  const elsewhere = await makeImage({ ...signers, namespace: "elsewhere/deep" }, "base", {});
  const { app } = await makeAll({ ...signers, elsewhere, namespace: "shop", images: {} }, NAMES, {});
  const data = join(directory, "data");
  await cp(await preparedData(), data, { recursive: true });
  const roots = file("root.json", JSON.stringify(sigstore.trustedRoot));
  const config = readConfig({
    MODE: "answers",
    HOST: "127.0.0.1",
    PORT: "0",
    DATA_DIR: data,
    PUBLIC_URL: PUBLIC,
    POLICY_FILE: file("policy.yml", policyText(registry.host)),
    TRUSTED_ROOTS: roots,
    TRUSTED_BUILDS_ALLOW_HOSTS: registry.host,
    REFRESH_ROOTS_SECONDS: "0",
    LOG_LEVEL: "fatal",
  });
  const { url, close } = await serveAnswers({ ...config, apiUrl: await publicRepositories(t) });
  t.after(async () => {
    await close();
    rmSync(directory, { recursive: true, force: true });
  });
  return { url, directory, roots, app };
}

/** What a page shows as commands, each block as one text. */
function commandsOn(html: string): readonly string[] {
  return [...html.matchAll(/<pre class="command"[^>]*>([^<]*)<\/pre>/g)].map(([, text = ""]) =>
    text.replace(
      /&(#39|quot|lt|gt|amp);/g,
      (_, name) => ({ "#39": "'", quot: '"', lt: "<", gt: ">" })[String(name)] ?? "&",
    ),
  );
}

test("an image that is asked for by a form gets its page and badge, and the commands there work when pasted", async (t) => {
  const world = await toolchain(t, ["cosign"]);
  if (world === undefined) return;
  const { url, directory, roots, app } = await serve(t);
  const name = `${app.repository}:1.0.0`;
  const page = `${url}/images/${name}`;
  assert.equal((await fetch(page)).status, 404);
  const sent = await fetch(`${url}/inquiries`, {
    method: "POST",
    body: new URLSearchParams({ image: name }),
    redirect: "manual",
  });
  assert.equal(sent.status, 303);
  const waiting = new URL(sent.headers.get("location") ?? "", url);
  const isLedOn = async () => (await fetch(waiting, { redirect: "manual" })).status === 303;
  await eventually("the answer", isLedOn, undefined, PUBLIC_PAUSE_MS);
  const shown = await fetch(waiting);
  assert.equal(shown.url, page);
  const html = await shown.text();
  assert.match(html, /<h1>Trusted<\/h1>/);
  assert.match(html, /<svg class="ancestry"/);
  assert.match(await (await fetch(`${page}.svg`)).text(), /✔ trusted/);
  assert.match(await (await fetch(`${url}/images?q=shop`)).text(), /shop\/app:1\.0\.0/);

  const here = { ROOT: roots, DIR: directory };
  // `npx` finds the program that is tested, which is told of a Sigstore of this test's own; and the public name is this server.
  const preface = `set -euo pipefail; cd "$DIR"; npx() { shift; "${process.execPath}" "${PROGRAM}" "$@" --trusted-root "$ROOT"; }\n`;
  const commands = commandsOn(html);
  assert.equal(commands.length, 4);
  const [walk = "", evidence = "", , cosign = ""] = commands;
  const pasted = async (command: string) => {
    const env = { PATH: [dirname(world.bin("cosign")), process.env.PATH].join(delimiter), HOME: directory, ...here };
    return run("bash", ["-c", preface + command.replaceAll(PUBLIC, url)], { env });
  };
  // By a policy of one's own, which the default one is; it knows none of this registry's builders.
  await assert.rejects(pasted(walk), (error: { code?: unknown }) => error.code === 1);
  assert.match((await pasted(evidence)).stdout, /trusted/);
  const keys = commands[2]?.split("\n")[0] ?? "";
  const { stdout, stderr } = await pasted(`${keys}\n${cosign}`);
  assert.match(stderr, /Verified OK/);
  assert.match(stdout, /"verificationResult": "PASSED"/);
});
