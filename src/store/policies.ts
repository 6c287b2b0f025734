import type { PolicyText, StoredPolicies } from "../build/ports.ts";
import { digestOf } from "../image/digest.ts";
import { StoreError } from "./error.ts";
import { toText } from "./json.ts";
import type { StoreTools, Transact } from "./transact.ts";

/** @throws {StoreError} `not-found` for a build without a policy of its repository: nobody has told one. */
export async function readPolicies({ db }: StoreTools, id: string): Promise<StoredPolicies> {
  const rows = await db
    .selectFrom("builds")
    .innerJoin("build_policies", "build_policies.build_id", "builds.id")
    .innerJoin("policy_texts", "policy_texts.digest", "build_policies.digest")
    .select([
      "builds.organisation_policy",
      "build_policies.kind",
      "build_policies.name",
      "build_policies.uri",
      "build_policies.commit",
      "build_policies.is_protected",
      "policy_texts.bytes",
    ])
    .where("builds.id", "=", id)
    .execute();
  const textOf = (kind: PolicyText["kind"]): PolicyText | undefined => {
    const row = rows.find((each) => each.kind === kind);
    if (row === undefined) return undefined;
    const { bytes, name, uri, commit, is_protected } = row;
    return { kind, bytes: new Uint8Array(bytes), name, uri, commit, isProtected: is_protected ?? "unknown" };
  };
  const repository = textOf("repository");
  const known = rows[0]?.organisation_policy;
  if (repository === undefined || known === undefined)
    throw new StoreError("not-found", `no policies are stored of build ${id}`);
  const organisation = known === "present" ? textOf("organisation") : known;
  if (organisation === undefined)
    throw new StoreError("database", `the organisation's policy of build ${id} is missing`);
  return { repository, organisation };
}

/** Replaces those that a build has. Texts are stored once, by digest. */
export async function writePolicies(
  tx: Transact,
  ids: readonly string[],
  { repository, organisation }: StoredPolicies,
): Promise<void> {
  if (ids.length === 0) return;
  const texts = typeof organisation === "string" ? [repository] : [repository, organisation];
  const policies = texts.map((text) => ({ ...text, digest: digestOf(text.bytes) }));
  await tx
    .insertInto("policy_texts")
    .values(unique(policies))
    .onConflict((conflict) => conflict.column("digest").doNothing())
    .execute();
  await tx.deleteFrom("build_policies").where("build_id", "in", ids).execute();
  await tx
    .insertInto("build_policies")
    .values(
      ids.flatMap((build_id) =>
        policies.map(({ kind, digest, name, uri, commit, isProtected }) => ({
          build_id,
          kind,
          digest,
          name: toText(name),
          uri: toText(uri),
          commit,
          is_protected: isProtected === "unknown" ? null : isProtected,
        })),
      ),
    )
    .execute();
  await tx
    .updateTable("builds")
    .set({ organisation_policy: typeof organisation === "string" ? organisation : "present" })
    .where("id", "in", ids)
    .execute();
}

/** In one order, so that two transactions that store the same texts wait for each other in one direction only. */
function unique(policies: readonly { readonly digest: string; readonly bytes: Uint8Array }[]) {
  return [...new Map(policies.map(({ digest, bytes }) => [digest, { digest, bytes }])).values()].sort((a, b) =>
    a.digest < b.digest ? -1 : 1,
  );
}
