import type { LeafCertificate } from "./certificate-identity.ts";

/** A certificate in the library's form, whoever's it is. */
type Certificate = LeafCertificate;

/**
 * Lets a certificate remember its own encoding. The library encodes the parsed tree anew for each comparison and each signature,
 * which costs more than the signatures do. What is remembered is what the library itself computed, for this one object: nothing is
 * skipped, and no prototype is touched.
 *
 * @param certificate - A tree that nobody changes; the library changes only copies that it parses itself.
 */
export function rememberEncoding(certificate: Certificate): void {
  for (const node of [certificate.root, certificate.tbsCertificate]) {
    const encode = node.toDER.bind(node);
    let encoded: Buffer | undefined;
    node.toDER = () => {
      encoded ??= encode();
      return encoded;
    };
  }
}

/**
 * Lets a certificate of a trusted root remember also which of the others signed it, and its key: the chain of an authority is the
 * same for every bundle. Dates and constraints are checked for each bundle as before.
 *
 * Never for a certificate out of a bundle: it would remember something for strangers.
 */
export function rememberChain(certificate: Certificate): void {
  rememberEncoding(certificate);
  Object.defineProperty(certificate, "publicKey", { value: certificate.publicKey });
  const verify = certificate.verify.bind(certificate);
  const known = new WeakMap<Certificate, boolean>();
  certificate.verify = (issuer = certificate) => {
    const before = known.get(issuer);
    if (before !== undefined) return before;
    const fits = verify(issuer);
    known.set(issuer, fits);
    return fits;
  };
}
