import { type Digest, digestOf, hexOf } from "../../src/image/digest.ts";
import type { Toolchain } from "./toolchain.ts";

const EMPTY = { mediaType: "application/vnd.oci.empty.v1+json", bytes: Buffer.from("{}") };
const MANIFEST = "application/vnd.oci.image.manifest.v1+json";
const INDEX = "application/vnd.oci.image.index.v1+json";
const ACCEPTED = [INDEX, MANIFEST, "application/vnd.docker.distribution.manifest.v2+json"].join(", ");

/** What hangs on a digest: one layer, and annotations on the manifest. */
export interface Attachment {
  readonly artifactType: string;
  readonly mediaType: string;
  readonly bytes: Uint8Array;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** One repository of the world's registries, without any of the care that the product's client takes: tests write what they like. */
export interface TestRepository {
  readManifest(reference: string): Promise<Uint8Array | undefined>;
  readBlob(digest: string): Promise<Uint8Array>;
  writeBlob(bytes: Uint8Array): Promise<Digest>;
  /** @param tag - Default: by digest alone. */
  writeManifest(bytes: Uint8Array, mediaType: string, tag?: string): Promise<Digest>;
  /**
   * Attaches as cosign does to a registry without referrers API: a manifest with `subject`, listed under the fallback tag by a
   * descriptor that has cosign's artifact type and no annotations, so that nobody can go by the descriptor.
   *
   * @returns the digest of the attachment's manifest. Not for two at once on one subject.
   */
  attach(subject: Digest, attachment: Attachment): Promise<Digest>;
}

/** @param name - `127.0.0.1:PORT/path`; tag and digest behind it are ignored. The password of the password registry is known. */
export function testRepository(toolchain: Toolchain, name: string): TestRepository {
  const match = /^([^/]+)\/([^:@]+)/.exec(name);
  if (match === null) throw new Error(`not HOST/PATH: ${name}`);
  const [, host, path] = match;
  const base = `http://${host}/v2/${path}`;
  const login = Buffer.from(`${toolchain.authUser}:${toolchain.authPassword}`).toString("base64");
  const authorization: Record<string, string> =
    host === toolchain.authRegistry ? { authorization: `Basic ${login}` } : {};

  async function send(
    url: string | URL,
    init: { method?: string; headers?: Record<string, string>; body?: Uint8Array<ArrayBuffer> },
    ...accepted: number[]
  ) {
    const response = await fetch(url, { ...init, headers: { ...authorization, ...init.headers } });
    if (accepted.includes(response.status)) return response;
    throw new Error(`${init.method ?? "GET"} ${url}: ${response.status} ${await response.text()}`);
  }

  const repository: TestRepository = {
    async readManifest(reference) {
      const response = await send(`${base}/manifests/${reference}`, { headers: { accept: ACCEPTED } }, 200, 404);
      return response.status === 404 ? undefined : new Uint8Array(await response.arrayBuffer());
    },
    async readBlob(digest) {
      return new Uint8Array(await (await send(`${base}/blobs/${digest}`, {}, 200)).arrayBuffer());
    },
    async writeBlob(bytes) {
      const digest = digestOf(bytes);
      const begun = await send(`${base}/blobs/uploads/`, { method: "POST" }, 202);
      const url = new URL(begun.headers.get("location") ?? "", base);
      url.searchParams.set("digest", digest);
      const headers = { "content-type": "application/octet-stream" };
      await send(url, { method: "PUT", headers, body: Uint8Array.from(bytes) }, 201);
      return digest;
    },
    async writeManifest(bytes, mediaType, tag) {
      const digest = digestOf(bytes);
      const headers = { "content-type": mediaType };
      await send(`${base}/manifests/${tag ?? digest}`, { method: "PUT", headers, body: Uint8Array.from(bytes) }, 201);
      return digest;
    },
    async attach(subject, { artifactType, mediaType, bytes, annotations = {} }) {
      const subjectBytes = await repository.readManifest(subject);
      if (subjectBytes === undefined) throw new Error(`${name} has no manifest ${subject}`);
      const subjectType: unknown = JSON.parse(Buffer.from(subjectBytes).toString()).mediaType;
      const config = await repository.writeBlob(EMPTY.bytes);
      const layer = await repository.writeBlob(bytes);
      const manifest = encode({
        schemaVersion: 2,
        mediaType: MANIFEST,
        artifactType,
        config: { mediaType: EMPTY.mediaType, digest: config, size: EMPTY.bytes.length },
        layers: [{ mediaType, digest: layer, size: bytes.length }],
        subject: { mediaType: subjectType, digest: subject, size: subjectBytes.length },
        annotations,
      });
      const digest = await repository.writeManifest(manifest, MANIFEST);
      const tag = `sha256-${hexOf(subject)}`;
      const before = await repository.readManifest(tag);
      const listed: unknown[] = before === undefined ? [] : JSON.parse(Buffer.from(before).toString()).manifests;
      const descriptor = { mediaType: MANIFEST, digest, size: manifest.length, artifactType: EMPTY.mediaType };
      const index = encode({ schemaVersion: 2, mediaType: INDEX, manifests: [...listed, descriptor] });
      await repository.writeManifest(index, INDEX, tag);
      return digest;
    },
  };
  return repository;
}

function encode(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}
