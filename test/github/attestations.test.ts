import assert from "node:assert/strict";
import { createServer, type IncomingMessage } from "node:http";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { createGitHubAttestations, type GitHubAttestationsOptions } from "../../src/github/attestations.ts";
import { createGitHubClient } from "../../src/github/client.ts";
import { digestOf, hexOf } from "../../src/image/digest.ts";
import { type PinnedImage, parseReference, pin } from "../../src/image/reference.ts";
import { createRegistryClient } from "../../src/registry/client.ts";
import { type AttestationListing, BeyondLimit, CouldNotLook } from "../../src/trust/ports.ts";
import { listen, stop } from "../world/github/listen.ts";
import { octokitOf } from "../world/github/octokit.ts";
import { snappy } from "../world/github/storage.ts";
import { githubOf } from "../world/github/world.ts";

const TOKEN = "ghp_16C7e42F292c6912E7710c838347Ae178B4a";
const digest = digestOf(Buffer.from("an image"));
const image = pin(parseReference("ghcr.io/acme/app"), digest);

/** The form of a bundle about a digest; its signature is none. */
function bundleOf(about: string, note = "") {
  const payload = {
    _type: "https://in-toto.io/Statement/v1",
    predicateType: "https://slsa.dev/provenance/v1",
    subject: [{ digest: { sha256: about } }],
    predicate: { note },
  };
  return {
    mediaType: "application/vnd.dev.sigstore.bundle.v0.3+json",
    verificationMaterial: { certificate: { rawBytes: "AAAA" }, tlogEntries: [] },
    dsseEnvelope: {
      payloadType: "application/vnd.in-toto+json",
      payload: Buffer.from(JSON.stringify(payload)).toString("base64"),
      signatures: [{ sig: "AAAA", keyid: "" }],
    },
  };
}
const good = bundleOf(hexOf(digest));

type Reply = { readonly status?: number; readonly body?: unknown; readonly headers?: Record<string, string> };

/** A server that answers as it is told, and remembers what it was asked. */
async function serve(t: TestContext, answer: (path: string, url: string) => Reply | undefined) {
  const asked: { readonly path: string; readonly authorization: string | undefined }[] = [];
  let url = "";
  const server = createServer((request: IncomingMessage, response) => {
    const path = request.url ?? "";
    asked.push({ path, authorization: request.headers.authorization });
    const { status = 200, body = { message: "Not Found" }, headers = {} } = answer(path, url) ?? { status: 404 };
    const isBytes = body instanceof Uint8Array;
    response.writeHead(status, { "content-type": isBytes ? "application/x-snappy" : "application/json", ...headers });
    response.end(isBytes ? body : JSON.stringify(body));
  });
  url = await listen(server);
  t.after(() => stop(server));
  return { url, asked };
}

/** A source that asks there, and may fetch from these hosts. */
function sourceAt(
  t: TestContext,
  api: string,
  hosts: readonly string[],
  more: Partial<GitHubAttestationsOptions> = {},
) {
  const client = createRegistryClient({
    allowHosts: hosts.map((url) => new URL(url).host),
    pause: async () => {},
  });
  t.after(() => client.close());
  return createGitHubAttestations({
    octokit: async () => createGitHubClient(api, TOKEN),
    fetchBundle: client.download,
    ownsContainerRegistry: true,
    ...more,
  });
}

const reading = async ({ candidates }: AttestationListing) =>
  (await Promise.all(candidates.map((candidate) => candidate.read()))).flat();
const kinds = async (listing: AttestationListing) => (await reading(listing)).map(({ kind }) => kind);
const codes = ({ failures }: AttestationListing) => failures.map(({ code }) => code);

/** An account, and a list for it. */
const accountOf =
  (type: string, list: (query: URLSearchParams) => Reply, prefix = type === "Organization" ? "/orgs" : "/users") =>
  (path: string): Reply | undefined => {
    const { pathname, searchParams } = new URL(path, "http://localhost");
    if (pathname === "/users/acme") return { body: { login: "acme", type } };
    return decodeURIComponent(pathname) === `${prefix}/acme/attestations/${digest}` ? list(searchParams) : undefined;
  };

test("what an organisation or a person was given about an image at ghcr.io is found, each account asked for once", async (t) => {
  for (const type of ["Organization", "User"]) {
    const api = await serve(
      t,
      accountOf(type, () => ({ body: { attestations: [{ repository_id: 1, bundle: good }] } })),
    );
    const source = sourceAt(t, api.url, []);
    const listing = await source.listAttestations(image);
    assert.deepEqual(
      listing.candidates.map(({ where }) => where),
      ["GitHub's attestations of acme, 1"],
    );
    const [read] = await reading(listing);
    assert.deepEqual(read?.kind === "bundle" && read.json, good);
    const other = pin(image, digestOf(Buffer.from("another")));
    assert.deepEqual(await source.listAttestations(other), { candidates: [], omitted: 0, failures: [] });
    assert.equal(api.asked.filter(({ path }) => path === "/users/acme").length, 1);
    assert.ok(api.asked.every(({ authorization }) => authorization === `token ${TOKEN}`));
  }
});

test("R15 GitHub is asked about no image of another registry, and about none of its own without an owner", async (t) => {
  const api = await serve(t, () => undefined);
  const source = sourceAt(t, api.url, []);
  for (const name of ["docker.io/acme/app", "quay.io/acme/app", "ghcr.io.example.com/acme/app", "ghcr.io/acme"]) {
    assert.deepEqual(await source.listAttestations(pin(parseReference(name), digest)), {
      candidates: [],
      omitted: 0,
      failures: [],
    });
  }
  const enterprise = sourceAt(t, api.url, [], { ownsContainerRegistry: false });
  assert.deepEqual((await enterprise.listAttestations(image)).candidates, []);
  assert.deepEqual(api.asked, []);
});

test("a bundle is fetched from where the list says, in every form that was met, and without credentials", async (t) => {
  const bytes = Buffer.from(JSON.stringify(good));
  const chunk = Buffer.concat([Buffer.alloc(4), snappy(bytes)]);
  const head = Buffer.alloc(4);
  head.writeUInt32LE(chunk.length << 8);
  const forms: Record<string, Uint8Array> = {
    block: snappy(bytes),
    plain: bytes,
    framed: Buffer.concat([Buffer.from("\xff\x06\x00\x00sNaPpY", "latin1"), head, chunk]),
  };
  const storage = await serve(t, (path) => ({ body: forms[path.slice(1).replace(/\?.*/, "")] ?? {} }));
  const attestations = Object.keys(forms).map((form) => ({ bundle: null, bundle_url: `${storage.url}/${form}?sig=s` }));
  const api = await serve(
    t,
    accountOf("Organization", () => ({ body: { attestations } })),
  );
  const listing = await sourceAt(t, api.url, [storage.url]).listAttestations(image);
  assert.deepEqual(
    (await reading(listing)).map((each) => each.kind === "bundle" && each.json),
    [good, good, good],
  );
  assert.equal(storage.asked.length, 3);
  assert.ok(storage.asked.every(({ authorization }) => authorization === undefined));
});

test("an address inside the network isn't followed, nor a redirect to one, and a dead link is no absence", async (t) => {
  const storage = await serve(t, (path, url) =>
    path === "/away" ? { status: 302, headers: { location: `${url.replace("127.0.0.1", "localhost")}/x` } } : undefined,
  );
  const urls = ["http://169.254.169.254/latest", `${storage.url}/away`, `${storage.url}/gone`];
  const attestations = urls.map((bundle_url) => ({ bundle: null, bundle_url }));
  const api = await serve(
    t,
    accountOf("Organization", () => ({ body: { attestations } })),
  );
  const { candidates } = await sourceAt(t, api.url, [storage.url]).listAttestations(image);
  const outcomes = await Promise.all(
    candidates.map((candidate) =>
      candidate.read().then(
        () => "read",
        (error) => error instanceof CouldNotLook && error.code,
      ),
    ),
  );
  assert.deepEqual(outcomes, ["address-refused", "address-refused", "server-error"]);
});

test("what can't be decompressed or is no bundle is malformed, and what would be too large is beyond the limit", async (t) => {
  const bodies: Record<string, Uint8Array> = {
    "/junk": Buffer.from("03086162", "hex"),
    "/statement": Buffer.from("{}"),
    "/huge": Buffer.from("ffffffff0f00", "hex"),
  };
  const storage = await serve(t, (path) => ({ body: bodies[path] }));
  const entries = Object.keys(bodies).map((path) => ({ bundle: null, bundle_url: `${storage.url}${path}` }));
  const attestations = [entries[0], entries[1], { bundle: null }, "no entry", { bundle: good }, entries[2]];
  const api = await serve(
    t,
    accountOf("User", () => ({ body: { attestations } })),
  );
  const { candidates, ...rest } = await sourceAt(t, api.url, [storage.url]).listAttestations(image);
  const readable = { ...rest, candidates: candidates.slice(0, 5) };
  assert.deepEqual(await kinds(readable), ["malformed", "malformed", "malformed", "malformed", "bundle"]);
  await assert.rejects(async () => candidates[5]?.read(), BeyondLimit);
});

test("R15 pages are followed, at most 200 attestations are listed, and that there are more is told", async (t) => {
  const page = (query: URLSearchParams): Reply => {
    assert.equal(query.get("per_page"), "100");
    const at = Number(query.get("after") ?? 0);
    const attestations = Array.from({ length: 100 }, (_, index) => ({
      bundle: bundleOf(hexOf(digest), `${at + index}`),
    }));
    // The link leads elsewhere; only the cursor in it counts.
    const link = `<https://evil.example/orgs/acme/attestations/x?after=${at + 100}>; rel="next"`;
    return { body: { attestations }, headers: { link } };
  };
  const api = await serve(t, accountOf("Organization", page));
  const { candidates, omitted } = await sourceAt(t, api.url, []).listAttestations(image);
  assert.deepEqual([candidates.length, omitted], [200, 1]);
  const empty = await serve(
    t,
    accountOf("Organization", () => ({
      body: { attestations: [] },
      headers: { link: `<https://api.github.com/?after=x>; rel="next"` },
    })),
  );
  assert.equal((await sourceAt(t, empty.url, []).listAttestations(image)).omitted, 1, "pages without end end");
});

test("R15 a page that can't be read is a failure, and what came before it stays", async (t) => {
  const page = (query: URLSearchParams): Reply =>
    query.has("after")
      ? { status: 502, body: {} }
      : { body: { attestations: [{ bundle: good }] }, headers: { link: `<https://x.example/?after=1>; rel="next"` } };
  const api = await serve(t, accountOf("Organization", page));
  const listing = await sourceAt(t, api.url, []).listAttestations(image);
  assert.deepEqual([await kinds(listing), codes(listing)], [["bundle"], ["server-error"]]);
});

test("R15 nothing found is nothing only where the account is there; limits and refusals are no absence", async (t) => {
  const cases: readonly [string, (path: string) => Reply | undefined, readonly string[]][] = [
    ["nothing there", accountOf("Organization", () => ({ status: 404 })), []],
    ["an empty list", accountOf("Organization", () => ({ body: { attestations: [] } })), []],
    ["nobody called that", () => undefined, ["not-found-unproven"]],
    ["a limit", () => ({ status: 403, body: {}, headers: { "x-ratelimit-remaining": "0" } }), ["rate-limited"]],
    ["too many", accountOf("User", () => ({ status: 429, body: {} })), ["rate-limited"]],
    ["a refusal", accountOf("User", () => ({ status: 403, body: {} })), ["credentials-refused"]],
    ["out of order", accountOf("User", () => ({ status: 500, body: {} })), ["server-error"]],
    ["another form", accountOf("User", () => ({ body: { attestations: null } })), ["server-error"]],
  ];
  for (const [what, answer, wanted] of cases) {
    const api = await serve(t, answer);
    const listing = await sourceAt(t, api.url, []).listAttestations(image);
    assert.deepEqual([listing.candidates, codes(listing)], [[], wanted], what);
    assert.ok(listing.failures.every(({ message }) => !message.includes(TOKEN)));
  }
  const closed = await serve(t, () => undefined);
  const gone = sourceAt(t, closed.url.replace(/:\d+$/, ":1"), []);
  assert.deepEqual(codes(await gone.listAttestations(image)), ["network"]);
});

test("the source repository is asked about the image of its own build, private as it is", async (t) => {
  const github = await githubOf(t, { app: { permissions: { attestations: "write", metadata: "read" } } });
  await github.repository("acme/app", { private: true });
  const octokit = await octokitOf(github, "acme");
  await octokit.request("POST /repos/{owner}/{repo}/attestations", { owner: "acme", repo: "app", bundle: good });
  const built: PinnedImage = pin(parseReference("registry.example/acme/image"), digest);
  const own = { image: "registry.example/acme/image", owner: "acme", name: "app" };
  const source = sourceAt(t, github.apiUrl, [github.storageUrl], {
    octokit: async () => octokit,
    own,
    ownsContainerRegistry: false,
  });
  const [read] = await reading(await source.listAttestations(built));
  assert.deepEqual(read?.kind === "bundle" && read.json, good);
  const another = pin(built, digestOf(Buffer.from("another")));
  assert.deepEqual(await source.listAttestations(another), { candidates: [], omitted: 0, failures: [] });
  assert.deepEqual(
    (await source.listAttestations(pin(parseReference("registry.example/acme/base"), digest))).candidates,
    [],
  );

  const narrowed = await octokitOf(github, "acme", { permissions: { metadata: "read" } });
  const without = sourceAt(t, github.apiUrl, [], { octokit: async () => narrowed, own });
  assert.deepEqual(await without.listAttestations(built), { candidates: [], omitted: 0, failures: [] });
  const stranger = sourceAt(t, github.apiUrl, [], { octokit: async () => createGitHubClient(github.apiUrl), own });
  assert.deepEqual(codes(await stranger.listAttestations(built)), ["not-found-unproven"]);
});

test("R15 only a permission that was never given is no place to look; credentials that fail, or no access at all, are no absence", async (t) => {
  const own = { image: "ghcr.io/acme/app", owner: "acme", name: "app" };
  const cases: readonly [string, repository: number, attestations: number, readonly string[]][] = [
    ["no permission", 200, 403, []],
    ["a token that has ended", 200, 401, ["credentials-refused"]],
    ["credentials that are none", 401, 401, ["credentials-refused"]],
    ["no access to the repository", 403, 403, ["credentials-refused"]],
  ];
  for (const [what, repository, attestations, wanted] of cases) {
    const api = await serve(t, (path) => ({
      status: path === "/repos/acme/app" ? repository : attestations,
      body: {},
    }));
    const listing = await sourceAt(t, api.url, [], { own }).listAttestations(image);
    assert.deepEqual([listing.candidates, codes(listing)], [[], wanted], what);
  }
});
