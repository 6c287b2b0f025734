import { createHash, randomBytes } from "node:crypto";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as wait } from "node:timers/promises";

const OCI_INDEX = "application/vnd.oci.image.index.v1+json";

/** How the stand-in wants to be asked. The realm of `bearer` is on a port of its own, as it is in the world. */
export type RegistryAuth =
  | { readonly kind: "basic"; readonly username: string; readonly password: string }
  | {
      readonly kind: "bearer";
      readonly username?: string;
      readonly password?: string;
      /** A refresh token that the realm takes by POST. */
      readonly identityToken?: string;
      /** What those get who don't say who they are: a token to pull, one for nothing, or a 401. */
      readonly anonymous: "pull" | "nothing" | "refused";
      /** Tokens that say nothing readable, such as ghcr.io's. */
      readonly opaque?: boolean;
    };

/** What goes wrong instead of the answer. */
export type Fault =
  | {
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: string | Uint8Array;
    }
  /** No answer at all, until the client gives up. */
  | "hang"
  /** The connection breaks. */
  | "reset"
  /** The right answer with one bit changed in its body. */
  | "corrupt";

/** One request as it came in. */
export interface LoggedRequest {
  readonly server: "registry" | "realm" | "storage";
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

/** A kind of registry. */
export interface OciRegistryOptions {
  /** Whether it has the referrers API; true if absent. */
  readonly referrers?: boolean;
  readonly auth?: RegistryAuth;
  /** Entries per page of referrers and tags; all if absent. */
  readonly pageSize?: number;
  /** Whether blobs are served by another port, which refuses to be told who asks, as S3 does. */
  readonly redirectBlobs?: boolean;
  /** Told of each answer of any of the three ports, as it is sent. */
  readonly onReply?: (request: LoggedRequest, status: number, body: Uint8Array) => void;
}

/** A registry of the distribution-spec in this process. */
export interface OciRegistry {
  /** `127.0.0.1:PORT` */
  readonly host: string;
  /** Where tokens come from, `127.0.0.1:PORT`. */
  readonly realmHost: string;
  readonly storageHost: string;
  /** Everything that was asked, in order, on all three ports. */
  readonly requests: LoggedRequest[];
  /** Makes the next requests fail whose `METHOD /path` matches; for ever if `times` is absent. */
  fail(pattern: RegExp, fault: Fault, times?: number): void;
  /** Ends all faults. */
  heal(): void;
  /** From now on every answer is held back so long. For benchmarks: tests measure no time. */
  delay(milliseconds: number): void;
  /** Puts a blob there without asking. */
  putBlob(repository: string, bytes: Uint8Array): string;
  /** Puts a manifest there, whatever it is; under a tag too, if one is given. */
  putManifest(repository: string, bytes: Uint8Array, mediaType: string, tag?: string): string;
  /** A blob or a manifest. */
  read(repository: string, digest: string): Uint8Array;
  /** What a tag points at. */
  readTag(repository: string, tag: string): string | undefined;
  close(): Promise<void>;
}

interface Repository {
  readonly manifests: Map<string, { readonly bytes: Uint8Array; readonly mediaType: string }>;
  readonly tags: Map<string, string>;
  readonly blobs: Map<string, Uint8Array>;
  readonly uploads: Map<string, Buffer>;
}

interface Call {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: URL;
  readonly body: Buffer;
}

interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

/** What a token has to allow for a request. @see distribution registry/handlers/app.go, "appendAccessRecords" */
const ACTIONS: Readonly<Record<string, string>> = { GET: "pull", HEAD: "pull", DELETE: "delete" };

const sha256 = (bytes: Uint8Array) => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

/** Starts the stand-in on loopback ports that are free. Real tools are its judges: see `oci-registry.test.ts`. */
export async function startOciRegistry(options: OciRegistryOptions = {}): Promise<OciRegistry> {
  const repositories = new Map<string, Repository>();
  const requests: LoggedRequest[] = [];
  const tokens = new Map<string, readonly { name: string; actions: readonly string[] }[]>();
  let faults: { pattern: RegExp; fault: Fault; left: number }[] = [];
  let latencyMs = 0;

  const repositoryOf = (name: string): Repository => {
    const known = repositories.get(name);
    if (known !== undefined) return known;
    const fresh = { manifests: new Map(), tags: new Map(), blobs: new Map(), uploads: new Map() };
    repositories.set(name, fresh);
    return fresh;
  };

  const serve = (server: LoggedRequest["server"], handle: (call: Call) => Reply) =>
    createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      try {
        for await (const chunk of request) chunks.push(chunk as Buffer);
      } catch {
        return; // the client went away
      }
      const body = Buffer.concat(chunks);
      const method = request.method ?? "";
      const path = request.url ?? "/";
      const text = body.length < 4096 ? body.toString() : "";
      const logged: LoggedRequest = { server, method, path, headers: request.headers, body: text };
      requests.push(logged);
      if (latencyMs > 0) await wait(latencyMs);
      const due = faults.find(({ pattern, left }) => left > 0 && pattern.test(`${method} ${path}`));
      if (due !== undefined) due.left -= 1;
      const fault = due?.fault;
      if (fault === "hang") return;
      if (fault === "reset") return void request.socket.destroy();
      const call = { request, response, url: new URL(path, `http://${request.headers.host}`), body };
      const reply: Reply = fault === undefined || fault === "corrupt" ? handle(call) : fault;
      let content = Buffer.from(reply.body ?? "");
      if (fault === "corrupt" && content.length > 0) {
        content = Buffer.from(content);
        content[content.length >> 1]! ^= 1;
      }
      const untold = method === "HEAD" || reply.status === 204 || reply.headers?.["transfer-encoding"] !== undefined;
      const length = untold ? {} : { "content-length": String(content.length) };
      options.onReply?.(logged, reply.status, content);
      response.writeHead(reply.status, { ...length, ...reply.headers });
      response.end(method === "HEAD" ? undefined : content);
    });

  const registry = serve("registry", (call) => authorised(call) ?? answer(call));
  const realm = serve("realm", grant);
  const storage = serve("storage", store);
  await Promise.all([registry, realm, storage].map(listen));
  const host = hostOf(registry);
  const realmHost = hostOf(realm);
  const storageHost = hostOf(storage);

  return {
    host,
    realmHost,
    storageHost,
    requests,
    fail: (pattern, fault, times = Number.POSITIVE_INFINITY) => void faults.push({ pattern, fault, left: times }),
    heal: () => {
      faults = [];
    },
    delay: (milliseconds) => {
      latencyMs = milliseconds;
    },
    putBlob: (name, bytes) => {
      repositoryOf(name).blobs.set(sha256(bytes), bytes);
      return sha256(bytes);
    },
    putManifest: (name, bytes, mediaType, tag) => {
      const digest = sha256(bytes);
      repositoryOf(name).manifests.set(digest, { bytes, mediaType });
      if (tag !== undefined) repositoryOf(name).tags.set(tag, digest);
      return digest;
    },
    read: (name, digest) => {
      const { blobs, manifests } = repositoryOf(name);
      const bytes = blobs.get(digest) ?? manifests.get(digest)?.bytes;
      if (bytes === undefined) throw new Error(`${name} has no ${digest}`);
      return bytes;
    },
    readTag: (name, tag) => repositories.get(name)?.tags.get(tag),
    close: async () => {
      await Promise.all([registry, realm, storage].map(stop));
    },
  };

  /** What keeps the caller out, if anything does. */
  function authorised({ request, url }: Call): Reply | undefined {
    const { auth } = options;
    if (auth === undefined) return undefined;
    const header = request.headers.authorization ?? "";
    if (auth.kind === "basic") {
      const expected = `Basic ${Buffer.from(`${auth.username}:${auth.password}`).toString("base64")}`;
      if (header === expected) return undefined;
      return refusal(401, "UNAUTHORIZED", { "www-authenticate": 'Basic realm="stand-in"' });
    }
    const name = /^\/v2\/(.+)\/(?:manifests|blobs|tags|referrers)\//.exec(url.pathname)?.[1];
    const action = ACTIONS[request.method ?? ""] ?? "push";
    const granted = header.startsWith("Bearer ") ? tokens.get(header.slice(7)) : undefined;
    const enough = granted?.some((each) => each.name === name && each.actions.includes(action));
    if (granted !== undefined && (name === undefined || enough)) return undefined;
    const scope =
      name === undefined ? "" : `,scope="repository:${name}:${action === "pull" ? "pull" : `pull,${action}`}"`;
    const error = header === "" ? "" : ',error="insufficient_scope"';
    const challenge = `Bearer realm="http://${realmHost}/token",service="stand-in"${scope}${error}`;
    return refusal(401, "UNAUTHORIZED", { "www-authenticate": challenge });
  }

  /** The token realm. @see distribution docs/spec/auth/token.md, oauth.md */
  function grant({ request, url, body }: Call): Reply {
    const { auth } = options;
    if (auth?.kind !== "bearer" || url.pathname !== "/token") return { status: 404 };
    const form = request.method === "POST" ? new URLSearchParams(body.toString()) : url.searchParams;
    const login = `Basic ${Buffer.from(`${auth.username}:${auth.password}`).toString("base64")}`;
    const known =
      request.method === "POST"
        ? (form.get("grant_type") === "refresh_token" && form.get("refresh_token") === auth.identityToken) ||
          (form.get("grant_type") === "password" &&
            form.get("username") === auth.username &&
            form.get("password") === auth.password)
        : request.headers.authorization === login;
    const named = request.method === "POST" || request.headers.authorization !== undefined;
    if (!known && (named || auth.anonymous === "refused")) return refusal(401, "UNAUTHORIZED");
    const scopes = form.getAll("scope").flatMap((scope) => scope.split(" "));
    const access = scopes.flatMap((scope) => {
      const [, name, actions] = /^repository:(.+):([a-z*,]+)$/.exec(scope) ?? [];
      if (name === undefined || actions === undefined || (!known && auth.anonymous === "nothing")) return [];
      const allowed = actions.split(",").filter((action) => known || action === "pull");
      return [{ type: "repository", name, actions: allowed }];
    });
    const claims = Buffer.from(JSON.stringify({ jti: randomBytes(8).toString("hex"), access })).toString("base64url");
    const token = auth.opaque ? randomBytes(24).toString("base64") : `e30.${claims}.c2ln`;
    tokens.set(token, access);
    return json(200, { token, access_token: token, expires_in: 300 });
  }

  /** Where blobs are, if not here. */
  function store({ request, url }: Call): Reply {
    const [, name, digest] = /^\/([^?]+)\/(sha256:[0-9a-f]{64})$/.exec(url.pathname) ?? [];
    if (request.headers.authorization !== undefined) return { status: 400, body: "only one auth mechanism allowed" };
    const blob = repositories.get(name ?? "")?.blobs.get(digest ?? "");
    return blob === undefined ? { status: 404 } : { status: 200, body: blob };
  }

  /** @see distribution-spec, "Endpoints" */
  function answer(call: Call): Reply {
    const { pathname } = call.url;
    if (pathname === "/v2/" || pathname === "/v2") return json(200, {});
    const [, name, kind, rest] = /^\/v2\/(.+?)\/(manifests|blobs|tags|referrers)\/(.*)$/.exec(pathname) ?? [];
    if (name === undefined || kind === undefined || rest === undefined) return refusal(404, "NAME_UNKNOWN");
    const repository = repositoryOf(name);
    if (kind === "manifests") return manifest(call, name, repository, decodeURIComponent(rest));
    if (kind === "blobs")
      return rest.startsWith("uploads/")
        ? upload(call, name, repository, rest.slice(8))
        : blob(call, name, repository, rest);
    if (kind === "tags" && rest === "list") {
      const page = paged(call.url, [...repository.tags.keys()].sort(), (tag) => tag);
      return json(200, { name, tags: page.items }, page.headers);
    }
    if (kind === "referrers" && options.referrers !== false) return referrers(call, repository, rest);
    return { status: 404, headers: { "content-type": "text/plain" }, body: "404 page not found\n" };
  }

  function manifest({ request, body }: Call, name: string, repository: Repository, reference: string): Reply {
    const isDigest = reference.includes(":");
    const digest = isDigest ? reference : (repository.tags.get(reference) ?? "");
    if (request.method === "PUT") {
      const actual = sha256(body);
      if (isDigest && actual !== reference) return refusal(400, "DIGEST_INVALID");
      const expected = request.headers["if-match"];
      if (expected !== undefined && expected !== `"${digest}"`) return refusal(412, "MANIFEST_INVALID");
      const document = parse(body);
      if (document === undefined) return refusal(400, "MANIFEST_INVALID");
      const missing = [document.config, ...(document.layers ?? [])].some(
        (each) => each !== undefined && !repository.blobs.has(each.digest) && each.urls === undefined,
      );
      if (missing) return refusal(400, "MANIFEST_BLOB_UNKNOWN");
      if (
        (document.manifests ?? []).some((each) => !repository.manifests.has(each.digest) && !/^sha256-/.test(reference))
      ) {
        return refusal(400, "MANIFEST_BLOB_UNKNOWN");
      }
      repository.manifests.set(actual, { bytes: body, mediaType: request.headers["content-type"] ?? "" });
      if (!isDigest) repository.tags.set(reference, actual);
      const subject = document.subject?.digest;
      const told = subject !== undefined && options.referrers !== false ? { "oci-subject": subject } : {};
      return {
        status: 201,
        headers: { location: `/v2/${name}/manifests/${actual}`, "docker-content-digest": actual, ...told },
      };
    }
    const found = repository.manifests.get(digest);
    if (found === undefined) return refusal(404, "MANIFEST_UNKNOWN");
    if (request.method === "DELETE") {
      if (isDigest) repository.manifests.delete(digest);
      for (const [tag, target] of repository.tags)
        if (isDigest ? target === digest : tag === reference) repository.tags.delete(tag);
      return { status: 202 };
    }
    const headers = { "content-type": found.mediaType, "docker-content-digest": digest, etag: `"${digest}"` };
    return { status: 200, headers: { ...headers, ...lengthOf(request, found.bytes) }, body: found.bytes };
  }

  function blob({ request }: Call, name: string, repository: Repository, digest: string): Reply {
    const found = repository.blobs.get(digest);
    if (found === undefined) return refusal(404, "BLOB_UNKNOWN");
    if (request.method === "DELETE") {
      repository.blobs.delete(digest);
      return { status: 202 };
    }
    if (options.redirectBlobs)
      return { status: 307, headers: { location: `http://${storageHost}/${name}/${digest}?signature=secret` } };
    const headers = { "content-type": "application/octet-stream", "docker-content-digest": digest };
    return { status: 200, headers: { ...headers, ...lengthOf(request, found) }, body: found };
  }

  function upload({ request, url, body }: Call, name: string, repository: Repository, id: string): Reply {
    const done = (digest: string, content: Uint8Array): Reply => {
      if (sha256(content) !== digest) return refusal(400, "DIGEST_INVALID");
      repository.blobs.set(digest, content);
      return { status: 201, headers: { location: `/v2/${name}/blobs/${digest}`, "docker-content-digest": digest } };
    };
    const digest = url.searchParams.get("digest");
    if (request.method === "POST") {
      const mount = url.searchParams.get("mount") ?? "";
      const mounted = repositories.get(url.searchParams.get("from") ?? "")?.blobs.get(mount);
      if (mounted !== undefined) return done(mount, mounted);
      if (digest !== null) return done(digest, body);
      const fresh = randomBytes(8).toString("hex");
      repository.uploads.set(fresh, body);
      return {
        status: 202,
        headers: { location: `/v2/${name}/blobs/uploads/${fresh}?state=x`, range: `0-${Math.max(0, body.length - 1)}` },
      };
    }
    const sofar = repository.uploads.get(id);
    if (sofar === undefined) return refusal(404, "BLOB_UPLOAD_UNKNOWN");
    const location = `/v2/${name}/blobs/uploads/${id}?state=x`;
    if (request.method === "GET")
      return { status: 204, headers: { location, range: `0-${Math.max(0, sofar.length - 1)}` } };
    if (request.method === "DELETE") {
      repository.uploads.delete(id);
      return { status: 204 };
    }
    const start = /^(\d+)-\d+$/.exec(request.headers["content-range"] ?? "")?.[1];
    if (start !== undefined && Number(start) !== sofar.length)
      return { status: 416, headers: { location, range: `0-${sofar.length - 1}` } };
    const content = Buffer.concat([sofar, body]);
    repository.uploads.set(id, content);
    if (request.method === "PATCH") return { status: 202, headers: { location, range: `0-${content.length - 1}` } };
    if (request.method !== "PUT" || digest === null) return refusal(405, "UNSUPPORTED");
    repository.uploads.delete(id);
    return done(digest, content);
  }

  function referrers({ url }: Call, repository: Repository, subject: string): Reply {
    const wanted = url.searchParams.get("artifactType");
    const all = [...repository.manifests].flatMap(([digest, { bytes, mediaType }]) => {
      const document = parse(bytes);
      if (document?.subject?.digest !== subject) return [];
      const artifactType = document.artifactType ?? document.config?.mediaType;
      const annotations = document.annotations === undefined ? {} : { annotations: document.annotations };
      return [
        {
          mediaType,
          digest,
          size: bytes.length,
          ...(artifactType === undefined ? {} : { artifactType }),
          ...annotations,
        },
      ];
    });
    const page = paged(
      url,
      all.filter(({ artifactType }) => wanted === null || artifactType === wanted),
      ({ digest }) => digest,
    );
    const filters = wanted === null ? {} : { "oci-filters-applied": "artifactType" };
    const headers = { "content-type": OCI_INDEX, ...filters, ...page.headers };
    return json(200, { schemaVersion: 2, mediaType: OCI_INDEX, manifests: page.items }, headers);
  }

  /** One page, and where the next one is. */
  function paged<T>(
    url: URL,
    all: readonly T[],
    nameOf: (item: T) => string,
  ): { items: readonly T[]; headers: Record<string, string> } {
    const size = Number(url.searchParams.get("n") ?? options.pageSize ?? Number.POSITIVE_INFINITY);
    const last = url.searchParams.get("last");
    const from = last === null ? 0 : all.findIndex((item) => nameOf(item) === last) + 1;
    const items = all.slice(from, from + size);
    if (items.length === 0 || from + size >= all.length) return { items, headers: {} };
    const next = new URL(url);
    next.searchParams.set("last", nameOf(items.at(-1)!));
    return { items, headers: { link: `<${next.pathname}${next.search}>; rel="next"` } };
  }
}

interface Document {
  readonly artifactType?: string;
  readonly config?: { readonly mediaType: string; readonly digest: string; readonly urls?: unknown };
  readonly layers?: readonly { readonly digest: string; readonly urls?: unknown }[];
  readonly manifests?: readonly { readonly digest: string }[];
  readonly subject?: { readonly digest: string };
  readonly annotations?: Readonly<Record<string, string>>;
}

function parse(bytes: Uint8Array): Document | undefined {
  try {
    return JSON.parse(Buffer.from(bytes).toString()) as Document;
  } catch {
    return undefined;
  }
}

/** A HEAD tells the length of what a GET would bring. */
function lengthOf(request: IncomingMessage, bytes: Uint8Array): Record<string, string> {
  return request.method === "HEAD" ? { "content-length": String(bytes.length) } : {};
}

function json(status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): Reply {
  return { status, headers: { "content-type": "application/json", ...headers }, body: JSON.stringify(value) };
}

function refusal(status: number, code: string, headers: Readonly<Record<string, string>> = {}): Reply {
  return json(status, { errors: [{ code, message: "said the stand-in" }] }, headers);
}

function hostOf(server: Server): string {
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function listen(server: Server): Promise<void> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
}

async function stop(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}
