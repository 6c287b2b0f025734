import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { type ConnectionOptions, connect } from "node:tls";
import { type AdmissionConfig, readAdmission } from "../../src/app/admission-config.ts";
import { openAdmission } from "../../src/app/admission-server.ts";
import { ConfigError } from "../../src/app/config.ts";
import { tlsFiles } from "../../src/app/tls-files.ts";
import { pin } from "../../src/image/reference.ts";
import { pod, reviewDocument } from "../admission/cluster.ts";
import { AS_OF, policyOf, World } from "../trust/world.ts";

const directory = mkdtempSync(join(tmpdir(), "admission-"));
after(() => rmSync(directory, { recursive: true, force: true }));

function certificate(name: string): { readonly certificate: string; readonly key: string } {
  const [cert, key] = [join(directory, `${name}.crt`), join(directory, `${name}.key`)];
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"];
  const made = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", cert];
  execFileSync("openssl", ["req", "-x509", "-days", "2", ...subject, ...made], { stdio: "ignore" });
  return { certificate: cert, key };
}

const first = certificate("first");
const second = certificate("second");

function configOf(env: Readonly<Record<string, string>> = {}): AdmissionConfig {
  const all: Readonly<Record<string, string>> = {
    ADMISSION_PORT: "0",
    ADMISSION_HOST: "127.0.0.1",
    ADMISSION_TLS_CERT: first.certificate,
    ADMISSION_TLS_KEY: first.key,
    ...env,
  };
  const faults: string[] = [];
  const config = readAdmission((name) => all[name], faults);
  assert.deepEqual(faults, []);
  assert.ok(config);
  return config;
}

async function start(world: World, config = configOf()) {
  const app = world.build("app");
  const logged: unknown[] = [];
  const log = { error: (entry: unknown) => void logged.push(entry) } as unknown as Parameters<
    typeof openAdmission
  >[1]["log"];
  const listener = await openAdmission(config, {
    policy: () => policyOf(),
    openWalk: () => ({
      ...world.ports(),
      resolve: async (reference) => pin(reference, app.image.digest),
      close: async () => {},
    }),
    now: () => AS_OF,
    publicUrl: "https://tb.example",
    isReady: async () => true,
    log,
  });
  return { ...listener, app, logged };
}

interface Sent {
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

function send(url: string, { path = "/v1/admission?timeout=10s", method = "POST", headers = {}, body = "" }: Sent) {
  const options = {
    method,
    agent: false,
    rejectUnauthorized: false,
    headers: { "content-type": "application/json", ...headers },
  };
  return new Promise<{ status: number; document: { response?: { allowed: boolean; patch?: string }; code?: string } }>(
    (resolve, reject) => {
      const sent = request(`${url}${path}`, options, (response) => {
        let text = "";
        response.on("data", (chunk) => {
          text += chunk;
        });
        response.on("end", () => {
          const isJson = /json/.test(response.headers["content-type"] ?? "");
          resolve({ status: response.statusCode ?? 0, document: isJson ? JSON.parse(text) : {} });
        });
      });
      sent.on("error", reject);
      sent.end(body);
    },
  );
}

test("a cluster's review over TLS is answered by a walk: what is trusted passes, pinned, and what isn't is denied", async () => {
  const world = new World();
  const { url, close, app } = await start(world);
  try {
    const good = await send(url, { body: JSON.stringify(reviewDocument(pod("ghcr.io/acme/app:v1"))) });
    assert.equal(good.document.response?.allowed, true);
    const patch = Buffer.from(good.document.response?.patch ?? "", "base64").toString();
    assert.ok(patch.includes(`ghcr.io/acme/app:v1@${app.image.digest}`));
    const body = JSON.stringify(reviewDocument(pod("ghcr.io/acme/app:v1", "ghcr.io/stranger/app:v1")));
    for (const path of ["/v1/admission", "/v1/admission/validate"])
      assert.equal((await send(url, { path, body })).document.response?.allowed, false);
  } finally {
    await close();
  }
});

test("what isn't a review is a problem, and never a permission", async () => {
  const { url, close, logged } = await start(new World());
  const review = JSON.stringify(reviewDocument(pod("ghcr.io/acme/app:v1")));
  const cases: readonly (readonly [Sent, number])[] = [
    [{ body: "" }, 400],
    [{ body: "{}" }, 400],
    [{ body: review.replace(`"operation"`, `"operation":"DELETE","operation"`) }, 400],
    [{ body: review, headers: { "content-type": "text/plain" } }, 415],
    [{ body: "x".repeat(3 * 1024 * 1024 + 1) }, 413],
    [{ body: review, path: "/v1/admission/other" }, 404],
    [{ body: review, path: "//" }, 404],
    [{ method: "GET" }, 405],
  ];
  try {
    for (const [sent, status] of cases) {
      const { document, ...answer } = await send(url, sent);
      assert.equal(answer.status, status);
      assert.equal(document.response, undefined);
      assert.equal(typeof document.code, "string");
    }
    for (const path of ["/healthz", "/readyz"]) assert.equal((await send(url, { method: "GET", path })).status, 200);
    assert.deepEqual(logged, []);
  } finally {
    await close();
  }
});

test("where clients need a certificate, nobody else is answered but for health, and no resumed session stands for one", async () => {
  const config = configOf({ ADMISSION_CLIENT_CA: second.certificate });
  const { url, close } = await start(new World(), config);
  const review = JSON.stringify(reviewDocument(pod("ghcr.io/acme/app:v1")));
  const { hostname, port } = new URL(url);
  const statusOf = (options: ConnectionOptions): Promise<{ status: string; session: Buffer | undefined }> =>
    new Promise((resolve, reject) => {
      const socket = connect({ host: hostname, port: Number(port), rejectUnauthorized: false, ...options });
      let [text, session] = ["", undefined as Buffer | undefined];
      socket.on("session", (given) => {
        session = given;
      });
      socket.on("data", (chunk) => {
        text += chunk;
      });
      socket.on("error", reject);
      socket.on("close", () => resolve({ status: text.split(" ")[1] ?? "", session }));
      const head = `host: x\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: ${review.length}`;
      socket.end(`POST /v1/admission HTTP/1.1\r\n${head}\r\n\r\n${review}`);
    });
  const pairOf = (names: typeof first) => ({ cert: readFileSync(names.certificate), key: readFileSync(names.key) });
  try {
    assert.equal((await statusOf(pairOf(second))).status, "200");
    assert.equal((await statusOf(pairOf(first))).status, "403");
    const nobody = await statusOf({});
    assert.equal(nobody.status, "403");
    assert.ok(nobody.session);
    assert.equal((await statusOf({ session: nobody.session })).status, "403");
    assert.equal((await send(url, { method: "GET", path: "/healthz" })).status, 200);
  } finally {
    await close();
  }
  await assert.rejects(start(new World(), configOf({ ADMISSION_CLIENT_CA: second.key })), ConfigError);
});

test("a fault of the program is no permission either", async () => {
  const world = new World();
  const config = configOf({ ADMISSION_UNDETERMINED: "allow" });
  const listener = await openAdmission(config, {
    policy: () => {
      throw new TypeError("no policy");
    },
    openWalk: () => assert.fail("opened"),
    now: () => AS_OF,
    publicUrl: undefined,
    isReady: async () => false,
    log: { error: () => {} } as unknown as Parameters<typeof openAdmission>[1]["log"],
  });
  try {
    const review = JSON.stringify(reviewDocument(pod(`ghcr.io/acme/app@${world.build("app").image.digest}`)));
    const { status, document } = await send(listener.url, { body: review });
    assert.equal(status, 500);
    assert.equal(document.response, undefined);
    assert.equal((await send(listener.url, { method: "GET", path: "/readyz" })).status, 503);
  } finally {
    await listener.close();
  }
});

test("a certificate that is replaced is taken up, and half a replacement leaves what was there", async () => {
  const names = { certificate: join(directory, "tls.crt"), key: join(directory, "tls.key") };
  copyFileSync(first.certificate, names.certificate);
  copyFileSync(first.key, names.key);
  const files = tlsFiles(names);
  await files.read();
  assert.equal(await files.readIfChanged(), undefined);
  copyFileSync(second.certificate, names.certificate);
  await assert.rejects(files.readIfChanged());
  copyFileSync(second.key, names.key);
  assert.ok(await files.readIfChanged());
  assert.equal(await files.readIfChanged(), undefined);
});

test("R35 a server doesn't start with a grace without a near end, or with files that are no pair, and shows no key", async () => {
  const bad = [
    configOf({ ADMISSION_GRACE: "adopting until 2027-11-30" }),
    { ...configOf(), key: second.key },
    { ...configOf(), certificate: join(directory, "nowhere") },
  ];
  writeFileSync(join(directory, "secret.key"), "hunter2");
  bad.push({ ...configOf(), key: join(directory, "secret.key") });
  for (const config of bad)
    await assert.rejects(start(new World(), config), (error) => {
      assert.ok(error instanceof ConfigError);
      assert.doesNotMatch(error.message, /hunter2/);
      return true;
    });
});

test("settings of admission are read whole: every fault is told, and the defaults deny", () => {
  const faultsOf = (env: Readonly<Record<string, string>>) => {
    const faults: string[] = [];
    readAdmission((name) => env[name], faults);
    return faults.map((fault) => fault.split(":")[0]);
  };
  assert.equal(
    readAdmission(() => undefined, []),
    undefined,
  );
  assert.deepEqual(configOf().settings, { undetermined: "deny", unknown: "deny", isEnforced: true, grace: undefined });
  assert.deepEqual(
    faultsOf({
      ...{ ADMISSION_PORT: "https", ADMISSION_UNDETERMINED: "open", ADMISSION_UNKNOWN: "?", ADMISSION_ENFORCE: "no" },
      ADMISSION_GRACE: "for ever",
    }),
    [
      "ADMISSION_PORT",
      "ADMISSION_GRACE",
      "ADMISSION_TLS_CERT",
      "ADMISSION_TLS_KEY",
      "ADMISSION_UNDETERMINED",
      "ADMISSION_UNKNOWN",
      "ADMISSION_ENFORCE",
    ],
  );
});
