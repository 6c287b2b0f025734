import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cp } from "node:fs/promises";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { parseDocument } from "yaml";
import { readConfig } from "../../src/app/config.ts";
import { serveAnswers } from "../../src/app/serve-answers.ts";
import { patched, pod, reviewDocument } from "../admission/cluster.ts";
import { DEPLOY } from "../deploy/manifests.ts";
import { makeImage, NAMES } from "../faults/ancestry.ts";
import { makeAll, policyText } from "../faults/trial.ts";
import { startOciRegistry } from "../world/oci-registry.ts";
import { startSigstore } from "../world/sigstore.ts";
import { preparedData } from "./prepared-data.ts";

interface Answered {
  readonly allowed: boolean;
  readonly patch?: string;
  readonly status?: { readonly message: string };
}

function review(url: string, object: object): Promise<Answered> {
  const headers = { "content-type": "application/json" };
  const options = { method: "POST", agent: false, rejectUnauthorized: false, headers } as const;
  return new Promise((resolve, reject) => {
    const sent = request(`${url}/v1/admission?timeout=30s`, options, (response) => {
      let text = "";
      response.on("data", (chunk) => {
        text += chunk;
      });
      response.on("end", () => resolve((JSON.parse(text) as { readonly response: Answered }).response));
    });
    sent.on("error", reject);
    sent.end(JSON.stringify(reviewDocument(object)));
  });
}

/** What `deploy/` gives the server, with files of this machine and ports that are free. */
function environment(changes: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const document = parseDocument(readFileSync(join(DEPLOY, "base/deployment.yaml"), "utf8"));
  const env = document.getIn(["spec", "template", "spec", "containers", 0, "env"]) as {
    toJSON(): readonly { readonly name: string; readonly value: string }[];
  };
  return { ...Object.fromEntries(env.toJSON().map(({ name, value }) => [name, value])), ...changes };
}

test("the server that deploy/ starts judges a cluster's pods down to scratch, and tells nobody else of them", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "admission-served-"));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const file = (name: string, text: string) => {
    const path = join(directory, name);
    writeFileSync(path, text);
    return path;
  };
  const [cert, key] = [join(directory, "tls.crt"), join(directory, "tls.key")];
  const made = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", cert];
  execFileSync("openssl", ["req", "-x509", "-days", "2", "-subj", "/CN=localhost", ...made], { stdio: "ignore" });
  const registry = await startOciRegistry();
  t.after(() => registry.close());
  const sigstore = await startSigstore();
  t.after(() => sigstore.close());
  const signers = { registry, sigstore, stranger: sigstore };
  const elsewhere = await makeImage({ ...signers, namespace: "elsewhere/deep" }, "base", {});
  const { app } = await makeAll({ ...signers, elsewhere, namespace: "shop", images: {} }, NAMES, {});
  const data = join(directory, "data");
  await cp(await preparedData(), data, { recursive: true });
  const config = readConfig(
    environment({
      HOST: "127.0.0.1",
      PORT: "0",
      DATA_DIR: data,
      POLICY_FILE: file("policy.yml", policyText(registry.host)),
      TRUSTED_ROOTS: file("root.json", JSON.stringify(sigstore.trustedRoot)),
      TRUSTED_BUILDS_ALLOW_HOSTS: registry.host,
      REFRESH_ROOTS_SECONDS: "0",
      ADMISSION_HOST: "127.0.0.1",
      ADMISSION_PORT: "0",
      ADMISSION_TLS_CERT: cert,
      ADMISSION_TLS_KEY: key,
      LOG_LEVEL: "fatal",
    }),
  );
  const { url, admissionUrl, close } = await serveAnswers(config);
  try {
    assert.ok(admissionUrl);
    const wanted = pod(`${app.repository}:1.0.0`);
    const good = await review(admissionUrl, wanted);
    assert.equal(good.allowed, true, good.status?.message);
    assert.match(JSON.stringify(patched(wanted, good.patch)), new RegExp(`app:1\\.0\\.0@${app.index.digest}`));
    const bad = await review(admissionUrl, pod(`${app.repository}:1.0.0`, `${elsewhere.repository}:1.0.0`));
    assert.equal(bad.allowed, false);
    assert.match(bad.status?.message ?? "", /no-builder|refused/);
    // Neither is on the port for everyone, nor are reviews answered there.
    const asked = await fetch(`${url}/v1/images/${app.repository}:1.0.0`);
    assert.equal(asked.status, 404);
    const elsewhereAsked = await fetch(`${url}/v1/admission`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(reviewDocument(wanted)),
    });
    assert.equal(elsewhereAsked.status, 404);
  } finally {
    await close();
  }
});
