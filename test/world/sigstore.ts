import {
  createHash,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomUUID,
  sign,
  verify,
} from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { bundleToJSON, type SerializedBundle } from "@sigstore/bundle";
import { initializeCA, initializeCTLog } from "@sigstore/mock";
import { DSSEBundleBuilder, FulcioSigner, RekorWitness, type Signer, TSAWitness, type Witness } from "@sigstore/sign";
import { exportJWK, jwtVerify, SignJWT } from "jose";
import { z } from "zod";
import { type CertificateExtensions, type Claims, extensionsOf, githubClaims } from "./github-claims.ts";
import { type KeyPair, RekorV1, RekorV2 } from "./merkle-rekor.ts";
import { bytesOf, startTimestampAuthority } from "./timestamp-authority.ts";

/** Who issues the tokens of GitHub Actions. The stand-in has the same name, so that only the trusted root differs from the world. */
export const GITHUB_ISSUER = "https://token.actions.githubusercontent.com";
const IN_TOTO = "application/vnd.in-toto+json";
/** The clocks of the services run forward only: their own certificates begin when they start, and last a year. */
const VALID_FROM = "2020-01-01T00:00:00.000Z";

/** How the stand-in differs from its defaults. */
export interface SigstoreOptions {
  /** Below it are the source, owner, workflow and run URIs of the certificates, and their SAN. */
  readonly serverUrl?: string;
  readonly issuer?: string;
  /** The time of certificates, log entries and timestamps: not before the start, and less than a year after it. */
  readonly now?: () => Date;
}

/** Which proofs of time and inclusion a bundle gets, and what it signs. */
export interface BundleOptions {
  /** Default 1. A bundle without log entry (false) needs a timestamp to have any time. */
  readonly rekor?: 1 | 2 | false;
  /** Default true with Rekor 2 and without Rekor, where the timestamp is the only proof of time. */
  readonly tsa?: boolean;
  readonly payloadType?: string;
}

/** A certificate that says something else than the claims would give. */
export interface SignOptions extends BundleOptions {
  /** Last arcs below 1.3.6.1.4.1.57264.1. */
  readonly omitExtensions?: readonly number[];
  readonly overrideExtensions?: CertificateExtensions;
  readonly subjectAlternativeName?: string;
}

/** Fulcio, a certificate transparency log, Rekor v1 and v2, a timestamp authority and an OIDC issuer on one loopback port. */
export interface Sigstore {
  readonly url: string;
  readonly issuer: string;
  readonly serverUrl: string;
  /** JSON of sigstore's TrustedRoot: the only thing in which this differs from the public instance. */
  readonly trustedRoot: unknown;
  /** For cosign. */
  signingConfig(rekorVersion: 1 | 2): unknown;
  /** Expires after ten minutes. */
  idToken(claims?: Claims, audience?: string): Promise<string>;
  /** Signs as whoever the claims say, with a certificate for a fresh key. */
  sign(payload: Uint8Array, claims: Claims, options?: SignOptions): Promise<SerializedBundle>;
  /** Signs with a P-256 key and no certificate. The hint is only a lookup, and proves nothing. */
  signWithKey(payload: Uint8Array, key: KeyPair, hint: string, options?: BundleOptions): Promise<SerializedBundle>;
  readonly rekor1: RekorV1;
  readonly rekor2: RekorV2;
  close(): Promise<void>;
}

interface Reply {
  readonly status: number;
  readonly body: string | Uint8Array;
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const json = (value: unknown): Reply => ({
  status: value === undefined ? 404 : 200,
  body: JSON.stringify(value ?? {}),
});
const refusal = (status: number, message: string): Reply => ({
  status,
  body: JSON.stringify({ code: status, message }),
});
const p256 = (): KeyPair => generateKeyPairSync("ec", { namedCurve: "prime256v1" });

const CertificateRequest = z.object({
  credentials: z.object({ oidcIdentityToken: z.string().optional() }).optional(),
  publicKeyRequest: z.object({ publicKey: z.object({ content: z.string() }), proofOfPossession: z.base64() }),
});

/**
 * Starts one with keys of its own, in memory: two of them know nothing of each other. sigstore-js and cosign 3.1.1 sign against it, and
 * each verifies what the other made. The identity token and the proof of possession are really verified. For tests, never for trust.
 */
export async function startSigstore(options: SigstoreOptions = {}): Promise<Sigstore> {
  const { issuer = GITHUB_ISSUER, serverUrl = "https://github.com", now = () => new Date() } = options;
  const ctLog = await initializeCTLog(p256());
  const authority = await initializeCA(p256(), ctLog);
  for (const mock of [ctLog, authority]) (mock as unknown as { getCurrentTime: () => Date }).getCurrentTime = now;
  const tsa = await startTimestampAuthority(p256(), now);
  const tokenKey = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const jwks = { keys: [{ ...(await exportJWK(tokenKey.publicKey)), kid: "local", alg: "RS256", use: "sig" }] };
  const rekor1 = new RekorV1("127.0.0.1", p256(), now);
  const rekor2 = new RekorV2("127.0.0.1", p256());
  /** By token id: how the certificate is to differ from its claims. */
  const alterations = new Map<string, SignOptions>();

  const idToken = (
    claims: Claims = githubClaims(),
    audience = "sigstore",
    id: string = randomUUID(),
  ): Promise<string> =>
    new SignJWT(claims)
      .setProtectedHeader({ alg: "RS256", kid: "local", typ: "JWT" })
      .setIssuer(issuer)
      .setAudience(audience)
      .setJti(id)
      .setIssuedAt()
      .setNotBefore("0s")
      .setExpirationTime("10m")
      .sign(tokenKey.privateKey);

  async function signingCertificate(request: IncomingMessage, body: Buffer): Promise<Reply> {
    const { credentials, publicKeyRequest } = CertificateRequest.parse(JSON.parse(body.toString()));
    // sigstore-js puts the token into the body, cosign into the Authorization header.
    const token = credentials?.oidcIdentityToken ?? request.headers.authorization?.replace(/^bearer /i, "");
    if (!token) return refusal(401, "no identity token");
    const { payload } = await jwtVerify(token, tokenKey.publicKey, { issuer, audience: "sigstore" });
    const key = createPublicKey(publicKeyRequest.publicKey.content);
    const proof = Buffer.from(publicKeyRequest.proofOfPossession, "base64");
    if (!verify("sha256", Buffer.from(String(payload.sub)), key, proof)) return refusal(400, "proof of possession");
    const claims = payload as Claims;
    const altered = alterations.get(String(payload.jti)) ?? {};
    const workflow = claims.job_workflow_ref;
    const issued = await authority.issueCertificate({
      publicKey: key.export({ format: "der", type: "spki" }) as Buffer<ArrayBuffer>,
      // Fulcio's own mapping: the name is the workflow that signs, not the token's subject.
      subjectAltName:
        altered.subjectAlternativeName ?? (workflow === undefined ? String(claims.sub) : `${serverUrl}/${workflow}`),
      extensions: extensionValues(extensionsOf(claims, issuer, serverUrl), altered),
    });
    const certificates = [issued, authority.rootCertificate].map((der) => pem(bytesOf(der)));
    return json({ signedCertificateEmbeddedSct: { chain: { certificates } } }); // cosign insists on 200, where the real one says 201
  }

  function logEntry(body: Buffer): Reply {
    const { uuid, conflict } = rekor1.add(JSON.parse(body.toString()));
    const location = `/api/v1/log/entries/${uuid}`;
    if (conflict) return { ...refusal(409, "an equivalent entry already exists"), headers: { location } };
    // cosign crashes without these two headers.
    return { status: 201, headers: { location, etag: uuid }, body: JSON.stringify(rekor1.get(uuid)) };
  }

  async function route(request: IncomingMessage, body: Buffer): Promise<Reply> {
    const { pathname, searchParams } = new URL(request.url ?? "/", url);
    switch (`${request.method} ${pathname}`) {
      case "POST /api/v2/signingCert":
        return signingCertificate(request, body);
      case "POST /api/v1/log/entries":
        return logEntry(body);
      case "POST /api/v2/log/entries":
        return { status: 201, body: JSON.stringify(rekor2.add(JSON.parse(body.toString()))) };
      case "POST /api/v1/timestamp":
        return { status: 201, type: "application/timestamp-reply", body: await tsa.answer(request, body) };
      case "GET /.well-known/openid-configuration":
        return json({ issuer, jwks_uri: `${url}/jwks` });
      case "GET /jwks":
        return json(jwks);
      case "GET /oidc/token": // what ACTIONS_ID_TOKEN_REQUEST_URL points to
        return json({ value: await idToken(githubClaims(), searchParams.get("audience") ?? undefined) });
    }
    const entry = /^\/api\/v1\/log\/entries\/([0-9a-f]{80})$/.exec(pathname);
    return json(request.method === "GET" && entry?.[1] ? rekor1.get(entry[1]) : undefined);
  }

  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk);
      const { status, body, type = "application/json", headers = {} } = await route(request, Buffer.concat(chunks));
      response.writeHead(status, { "content-type": type, ...headers }).end(body);
    } catch (error) {
      const { body } = refusal(400, String(error));
      response.writeHead(400, { "content-type": "application/json" }).end(body);
    }
  });
  // Otherwise a client whose connection was idle for five seconds may write into one that is just being closed.
  server.keepAliveTimeout = 120_000;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(0, "127.0.0.1", resolve);
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  async function bundle(payload: Uint8Array, signer: Signer, options: BundleOptions): Promise<SerializedBundle> {
    const { rekor = 1, tsa: timestamped = rekor !== 1, payloadType = IN_TOTO } = options;
    const witnesses: Witness[] = [];
    if (rekor !== false) witnesses.push(new RekorWitness({ rekorBaseURL: url, majorApiVersion: rekor }));
    if (timestamped) witnesses.push(new TSAWitness({ tsaBaseURL: url }));
    const builder = new DSSEBundleBuilder({ signer, witnesses });
    return bundleToJSON(await builder.create({ data: Buffer.from(payload), type: payloadType }));
  }

  return {
    url,
    issuer,
    serverUrl,
    rekor1,
    rekor2,
    idToken: (claims, audience) => idToken(claims, audience),
    async sign(payload, claims, options = {}) {
      const id = randomUUID();
      alterations.set(id, options);
      try {
        const identityProvider = { getToken: () => idToken(claims, "sigstore", id) };
        return await bundle(payload, new FulcioSigner({ fulcioBaseURL: url, identityProvider }), options);
      } finally {
        alterations.delete(id);
      }
    },
    signWithKey: (payload, key, hint, options = {}) =>
      bundle(payload, keySigner(key.privateKey, key.publicKey, hint), options),
    trustedRoot: {
      mediaType: "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
      tlogs: [log(url, rekor1.spki), log(url, rekor2.spki)],
      certificateAuthorities: [certificateAuthority(url, "sigstore", bytesOf(authority.rootCertificate))],
      ctlogs: [log(`${url}/ct`, ctLog.publicKey)],
      timestampAuthorities: [certificateAuthority(`${url}/api/v1/timestamp`, "tsa", ...tsa.chain)],
    },
    signingConfig: (rekorVersion) => ({
      mediaType: "application/vnd.dev.sigstore.signingconfig.v0.2+json",
      caUrls: service(url),
      oidcUrls: service(issuer),
      rekorTlogUrls: service(url, rekorVersion),
      ...(rekorVersion === 2 ? { tsaUrls: service(`${url}/api/v1/timestamp`) } : {}),
      rekorTlogConfig: { selector: "ANY" },
      tsaConfig: { selector: "ANY" },
    }),
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function extensionValues(
  extensions: CertificateExtensions,
  { omitExtensions = [], overrideExtensions = {} }: SignOptions,
) {
  return Object.entries({ ...extensions, ...overrideExtensions })
    .map(([arc, value]) => ({ arc: Number(arc), value }))
    .filter(({ arc }) => !omitExtensions.includes(arc))
    .map(({ arc, value }) => ({
      oid: `1.3.6.1.4.1.57264.1.${arc}`,
      value: value as string, // the mock copies bytes as they are where it is told that they are "legacy"
      legacy: arc < 8 || typeof value !== "string",
    }));
}

function keySigner(privateKey: KeyObject, publicKey: KeyObject, hint: string): Signer {
  const spki = publicKey.export({ format: "pem", type: "spki" }).toString();
  return {
    sign: async (data) => ({
      signature: sign("sha256", data, privateKey),
      key: { $case: "publicKey", publicKey: spki, hint },
    }),
  };
}

function pem(der: Uint8Array): string {
  return `-----BEGIN CERTIFICATE-----\n${Buffer.from(der).toString("base64")}\n-----END CERTIFICATE-----\n`;
}

function log(baseUrl: string, spki: Buffer) {
  return {
    baseUrl,
    hashAlgorithm: "SHA2_256",
    publicKey: {
      rawBytes: spki.toString("base64"),
      keyDetails: "PKIX_ECDSA_P256_SHA_256",
      validFor: { start: VALID_FROM },
    },
    logId: { keyId: createHash("sha256").update(spki).digest("base64") },
  };
}

function certificateAuthority(uri: string, commonName: string, ...chain: readonly Uint8Array[]) {
  return {
    uri,
    subject: { organization: "sigstore.mock", commonName },
    certChain: { certificates: chain.map((der) => ({ rawBytes: Buffer.from(der).toString("base64") })) },
    validFor: { start: VALID_FROM },
  };
}

function service(url: string, majorApiVersion = 1) {
  return [{ url, majorApiVersion, validFor: { start: VALID_FROM }, operator: "local" }];
}
