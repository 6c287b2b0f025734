import { type Endpoints, page, reading, text, writing } from "./call.ts";
import { notFound, unprocessable } from "./error.ts";
import type { Document } from "./seed.ts";
import type { Repository, State } from "./state.ts";
import { snappy } from "./storage.ts";

/** A bundle that someone gave to GitHub, unverified: GitHub promises nothing about it. */
export interface Attestation {
  readonly id: number;
  readonly bundle: Document;
  /** `sha256:…`, of everything that the statement is about. */
  readonly subjects: readonly string[];
  readonly predicateType: string;
}

/** Where a bundle is kept: the description is older than the change of 2026-07-16, since when the list has only the link to it. */
export interface BundleStorage {
  /** @returns a signed link. */
  keep(path: string, contentType: string, bytes: Buffer): string;
}

/** Storing and finding attestations. GitHub Enterprise Server has none. */
export function attestationEndpoints(state: State, storage: BundleStorage): Endpoints {
  return {
    "POST /repos/{owner}/{repo}/attestations": writing("attestations", (call) => {
      if (state.ghes) throw notFound();
      const bundle = call.body.bundle as Document;
      const attestation = { id: state.nextId("attestation"), bundle, ...readStatement(bundle) };
      call.repository.attestations.push(attestation);
      return { status: 201, body: { id: attestation.id } };
    }),
    "GET /repos/{owner}/{repo}/attestations/{subject_digest}": reading("attestations", (call) => {
      if (state.ghes) throw notFound();
      const { repository } = call;
      const predicate = call.parameters.predicate_type;
      const found = repository.attestations
        .toReversed()
        .filter(({ subjects }) => subjects.includes(text(call, "subject_digest")))
        .filter(({ predicateType }) => predicate === undefined || matches(predicateType, String(predicate)));
      if (found.length === 0) throw notFound();
      const { items, headers } = page(call, found);
      return { status: 200, headers, body: { attestations: items.map((each) => listed(storage, repository, each)) } };
    }),
  };
}

function listed(storage: BundleStorage, repository: Repository, { id, bundle }: Attestation): Document {
  const bytes = snappy(Buffer.from(JSON.stringify(bundle)));
  const bundle_url = storage.keep(`attestations/${repository.id}/${id}.json.sn`, "application/x-snappy", bytes);
  return { repository_id: repository.id, initiator: "user", bundle: null, bundle_url };
}

/** Of short names only this one is used here. */
function matches(predicateType: string, asked: string): boolean {
  return asked === "provenance" ? predicateType.startsWith("https://slsa.dev/provenance/") : predicateType === asked;
}

function readStatement(bundle: Document): Pick<Attestation, "subjects" | "predicateType"> {
  const { dsseEnvelope } = bundle as { dsseEnvelope?: { payload?: string } };
  try {
    const statement = JSON.parse(Buffer.from(dsseEnvelope?.payload ?? "", "base64").toString()) as {
      predicateType: string;
      subject: readonly { digest: Readonly<Record<string, string>> }[];
    };
    const digests = ({ digest }: { digest: Readonly<Record<string, string>> }) =>
      Object.entries(digest).map(([algorithm, value]) => `${algorithm}:${value}`);
    return { predicateType: statement.predicateType, subjects: statement.subject.flatMap(digests) };
  } catch {
    throw unprocessable("Invalid request.\n\nThe bundle's envelope holds no in-toto statement.");
  }
}
