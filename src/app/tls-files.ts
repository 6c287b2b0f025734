import { readFile } from "node:fs/promises";
import { createSecureContext } from "node:tls";

/** A certificate with its key, in PEM. */
export interface TlsPair {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** A certificate and its key in files that somebody replaces now and then, as cert-manager does. */
export interface TlsFiles {
  /** @throws an Error where a file can't be read, or the two aren't a pair. */
  read(): Promise<TlsPair>;
  /** @returns undefined while they are what was read last. @throws as `read`, and then what was read last still holds. */
  readIfChanged(): Promise<TlsPair | undefined>;
}

/** Files are read whole and compared: Kubernetes swaps a link two levels above them, which nothing that watches files tells. */
export function tlsFiles({ certificate, key }: { readonly certificate: string; readonly key: string }): TlsFiles {
  let last: TlsPair | undefined;
  const read = async (): Promise<TlsPair> => {
    const pair = { cert: await readFile(certificate), key: await readFile(key) };
    if (last !== undefined && pair.cert.equals(last.cert) && pair.key.equals(last.key)) return last;
    // Refuses a key that isn't the certificate's: the two could be read from both sides of a change.
    createSecureContext(pair);
    last = pair;
    return pair;
  };
  return {
    read,
    readIfChanged: async () => {
      const before = last;
      const pair = await read();
      return pair === before ? undefined : pair;
    },
  };
}
