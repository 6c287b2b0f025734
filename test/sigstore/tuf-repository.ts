import { createHash, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Key, Metadata, MetaFile, Root, Signature, Snapshot, TargetFile, Targets, Timestamp } from "@tufjs/models";

const SPEC_VERSION = "1.0.31";

/** A key of the repository's. */
export interface RepositoryKey {
  readonly id: string;
  readonly privateKey: KeyObject;
  readonly key: Key;
}

/** A new Ed25519 key. */
export function newRepositoryKey(): RepositoryKey {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const raw = publicKey.export({ format: "der", type: "spki" }).subarray(-32).toString("hex");
  const id = createHash("sha256").update(raw).digest("hex");
  return {
    id,
    privateKey,
    key: new Key({ keyID: id, keyType: "ed25519", scheme: "ed25519", keyVal: { public: raw } }),
  };
}

/** What one publication holds. */
export interface Publication {
  /** Of timestamp, snapshot and targets. */
  readonly version: number;
  readonly trustedRoot: Uint8Array;
  readonly expires?: Date;
  /** Another file than the one the metadata names, at its place. */
  readonly served?: Uint8Array;
  /** Who signs the three roles; the repository's own key unless given. */
  readonly signer?: RepositoryKey;
}

/** A TUF repository over HTTP on loopback, whose every file is made by the publisher's own library. */
export async function startRepository() {
  const files = new Map<string, Buffer>();
  const server = createServer((request, response) => {
    const file = files.get(request.url ?? "");
    response.writeHead(file === undefined ? 404 : 200).end(file);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const future = new Date(Date.now() + 86_400_000);
  const bytesOf = (metadata: { toJSON(): unknown }) => Buffer.from(JSON.stringify(metadata.toJSON()));
  const signed = <T extends Root | Snapshot | Targets | Timestamp>(content: T, keys: readonly RepositoryKey[]) => {
    const metadata = new Metadata(content);
    for (const { id, privateKey } of keys) {
      metadata.sign((data) => new Signature({ keyID: id, sig: sign(null, data, privateKey).toString("hex") }));
    }
    return bytesOf(metadata);
  };
  const rootFor = (version: number, key: RepositoryKey, signers: readonly RepositoryKey[]) => {
    const root = new Root({
      version,
      specVersion: SPEC_VERSION,
      expires: future.toISOString(),
      consistentSnapshot: true,
    });
    for (const role of ["root", "timestamp", "snapshot", "targets"]) root.addKey(key.key, role);
    return signed(root, signers);
  };
  const own = newRepositoryKey();
  const initialRoot = rootFor(1, own, [own]);
  return {
    own,
    initialRoot,
    rootFor,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** Puts a further version of the root where clients look for it. */
    rotate: (version: number, key: RepositoryKey, signers: readonly RepositoryKey[]) => {
      files.set(`/${version}.root.json`, rootFor(version, key, signers));
    },
    publish: ({ version, trustedRoot, served, expires = future, signer = own }: Publication) => {
      const common = { version, specVersion: SPEC_VERSION, expires: expires.toISOString() };
      const sha256 = createHash("sha256").update(trustedRoot).digest("hex");
      const target = new TargetFile({ path: "trusted_root.json", length: trustedRoot.length, hashes: { sha256 } });
      files.set(`/targets/${sha256}.trusted_root.json`, Buffer.from(served ?? trustedRoot));
      const targets = signed(new Targets({ ...common, targets: { "trusted_root.json": target } }), [signer]);
      files.set(`/${version}.targets.json`, targets);
      const snapshot = signed(new Snapshot({ ...common, meta: { "targets.json": new MetaFile({ version }) } }), [
        signer,
      ]);
      files.set(`/${version}.snapshot.json`, snapshot);
      files.set(
        "/timestamp.json",
        signed(new Timestamp({ ...common, snapshotMeta: new MetaFile({ version }) }), [signer]),
      );
    },
    close: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
}
