import { z } from "zod";
import type { ChangedPackage, ListedPackage } from "../attestation/package-change.ts";
import type { ListedPackages, PackagesChange } from "../trust/packages-change.ts";
import { NO_LIST } from "./package-words.ts";

/** Most reasons that are told for one image, and the longest, in UTF-16 units. */
const MAX_REASONS = 20;
const MAX_REASON_LENGTH = 500;

const listedPackage = z.strictObject({
  purl: z.string().nullable().meta({ description: "package URL without version, qualifiers and percent-encoding" }),
  name: z.string(),
  versions: z.array(z.string()),
  licences: z.array(z.string()),
});
const changed = z.array(z.strictObject({ from: listedPackage, to: listedPackage }));

const side = z.strictObject({
  state: z.enum(["listed", "none", "unread", "cut", "other-format", "other-scope", "revoked", "no-image"]).meta({
    description:
      "listed: by `bundles`; none: nobody accepted signed a list; unread: there may be one, and something could not be looked at or read; cut: longer than is read; other-format, other-scope: listed otherwise; revoked: policy believes nothing of it; no-image: none for this platform that can be read",
  }),
  reason: z.string().nullable().meta({ description: "why nothing can be compared; null where it is listed" }),
  bundles: z.array(z.string()).meta({ description: "SHA-256 of the bundles in whose word it stands" }),
  packages: z.int().nonnegative().nullable().meta({ description: "how many entries they have; null where none" }),
  unread: z.array(z.string()).meta({ description: "why there may be more lists than these" }),
});

/** What differs between two images' packages for one platform; beside the verdict, which doesn't rest on it. */
export const packagesChangeSchema = z.strictObject({
  platform: z
    .string()
    .nullable()
    .meta({ description: "null: lists of an index as a whole, or neither image is known" }),
  format: z.enum(["spdx", "cyclonedx"]).nullable().meta({ description: "null where neither image has a list" }),
  before: side,
  after: side,
  change: z
    .strictObject({
      gained: z.array(listedPackage),
      lost: z.array(listedPackage),
      versions: changed.meta({ description: "in both, in other versions" }),
      licences: changed.meta({ description: "in both, under other licences; may be among `versions` too" }),
      same: z.int().nonnegative().meta({ description: "how many are in both alike" }),
    })
    .nullable()
    .meta({ description: "null: nothing is compared, which doesn't mean that nothing differs" }),
});

/** In the form of {@link packagesChangeSchema}. */
export type PackagesChangeDocument = z.output<typeof packagesChangeSchema>;

/** Writes down what differs. */
export function packagesChangeDocument({
  platform,
  format,
  before,
  after,
  change,
}: PackagesChange): PackagesChangeDocument {
  return {
    platform: platform ?? null,
    format: format ?? null,
    before: sideDocument(before),
    after: sideDocument(after),
    change:
      change === undefined
        ? null
        : {
            gained: change.gained.map(packageDocument),
            lost: change.lost.map(packageDocument),
            versions: change.versions.map(changedDocument),
            licences: change.licences.map(changedDocument),
            same: change.same,
          },
  };
}

function sideDocument(listed: ListedPackages): PackagesChangeDocument["before"] {
  const isListed = listed.kind === "listed";
  return {
    state: listed.kind,
    reason: reasonOf(listed),
    bundles: isListed ? [...listed.bundles] : [],
    packages: isListed ? listed.count : null,
    unread: isListed ? told(listed.unread) : [],
  };
}

function reasonOf(listed: ListedPackages): string | null {
  switch (listed.kind) {
    case "listed":
      return null;
    case "none":
      return [`there is ${NO_LIST}`, ...told(listed.refused).map((reason) => `one isn't accepted: ${reason}`)].join(
        "; ",
      );
    case "unread":
      return `what may list its packages could not be looked at or read: ${told(listed.reasons).join("; ")}`;
    case "cut":
      return "its lists of packages are longer, or more, than is read";
    case "other-format":
      return "its packages are listed in another format";
    case "other-scope":
      return "its packages are listed, of all platforms together or of each, where the other's aren't";
    case "revoked":
      return "policy revokes it";
    case "no-image":
      return "there is no image for this platform that can be read";
  }
}

function told(reasons: readonly string[]): string[] {
  return reasons.slice(0, MAX_REASONS).map((reason) => reason.slice(0, MAX_REASON_LENGTH));
}

function packageDocument({ purl, name, versions, licences }: ListedPackage) {
  return { purl: purl ?? null, name, versions: [...versions], licences: [...licences] };
}

function changedDocument({ from, to }: ChangedPackage) {
  return { from: packageDocument(from), to: packageDocument(to) };
}
