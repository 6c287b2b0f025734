import type { StoreTools } from "./transact.ts";

/** What the cryptography of a bundle proved, under the key that its verifier made for it (RULES R14). */
export interface Proofs {
  readProof(key: string): Promise<string | undefined>;
  /** The first one that is kept under a key stays. */
  keepProof(key: string, proof: string): Promise<void>;
}

export function createProofs({ db, attempt }: StoreTools): Proofs {
  return {
    readProof: (key) =>
      attempt("read a proof of a signature", async () => {
        const row = await db.selectFrom("proofs").select("proof").where("key", "=", key).executeTakeFirst();
        return row?.proof;
      }),
    keepProof: (key, proof) =>
      attempt("keep a proof of a signature", async () => {
        await db
          .insertInto("proofs")
          .values({ key, proof })
          .onConflict((conflict) => conflict.column("key").doNothing())
          .execute();
      }),
  };
}
