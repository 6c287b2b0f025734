import { type Selectable, sql } from "kysely";
import type { Inquiry, InquiryEnd } from "../answer/inquiry.ts";
import type { InquiryStore } from "../answer/ports.ts";
import { imageName, parseReference } from "../image/reference.ts";
import type { InquiryRow } from "./answer-schema.ts";
import { StoreError } from "./error.ts";
import { isText, toText } from "./json.ts";
import type { Queue } from "./queue.ts";
import { repositoryOf } from "./repositories.ts";
import type { RepositoryRow } from "./schema.ts";
import type { StoreTools, Transact } from "./transact.ts";
import { noteWake } from "./wakes.ts";

/** One that stands may end just before it is read, but not time after time. */
const MAX_TRIES = 5;

export function createInquiries({ db, attempt, transact }: StoreTools, queue: Queue): InquiryStore {
  return {
    openInquiry: (inquiry) =>
      transact("open an inquiry", async (tx) => {
        for (let i = 0; i < MAX_TRIES; i++) {
          if (await insert(tx, inquiry)) {
            await noteWake(tx, queue, "inquiry", [inquiry.id], inquiry.waiting?.until);
            return inquiry;
          }
          const standing = await findOpen(tx, inquiry);
          if (standing !== undefined) return standing;
        }
        throw new StoreError("lost-race", "open an inquiry: others open and end it all the time");
      }),
    readInquiry: (id) =>
      attempt("read an inquiry", async () => {
        if (!isText(id)) return undefined;
        const row = await selectInquiries(db).where("inquiries.id", "=", id).executeTakeFirst();
        return row && inquiryOf(row);
      }),
    saveInquiry: (inquiry) =>
      transact("save an inquiry", async (tx) => {
        const { id, waiting, end } = inquiry;
        const { numUpdatedRows } = await tx
          .updateTable("inquiries")
          .set(stateOf(inquiry))
          .where("id", "=", id)
          // A worker that lost its lease must not open again what another has ended.
          .where("ended_at", "is", null)
          .executeTakeFirst();
        if (numUpdatedRows !== 1n)
          throw new StoreError("lost-race", `inquiry ${id} has ended, or isn't there: nothing was saved`);
        if (end === undefined && waiting !== undefined) await noteWake(tx, queue, "inquiry", [id], waiting.until);
      }),
    countOpenInquiries: () =>
      attempt("count the open inquiries", async () => {
        const { open } = await db
          .selectFrom("inquiries")
          .select(sql<string>`count(*)`.as("open"))
          .where("ended_at", "is", null)
          .executeTakeFirstOrThrow();
        return Number(open);
      }),
  };
}

async function insert(tx: Transact, inquiry: Inquiry): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await tx
    .insertInto("inquiries")
    .values({
      id: inquiry.id,
      ...questionOf(inquiry),
      repository_id: inquiry.repository?.id ?? null,
      asked_at: inquiry.askedAt,
      ...stateOf(inquiry),
    })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst();
  return numInsertedOrUpdatedRows === 1n;
}

async function findOpen(tx: Transact, inquiry: Inquiry): Promise<Inquiry | undefined> {
  const { name, tag, digest } = questionOf(inquiry);
  const row = await selectInquiries(tx)
    .where("inquiries.name", "=", name)
    .where("inquiries.tag", "=", tag)
    .where("inquiries.digest", "=", digest)
    .where("inquiries.repository_id", "is not distinct from", inquiry.repository?.id ?? null)
    .where("inquiries.ended_at", "is", null)
    .executeTakeFirst();
  return row && inquiryOf(row);
}

function questionOf({ image }: Inquiry) {
  return { name: imageName(image), tag: image.tag ?? "", digest: image.digest ?? "" };
}

function stateOf({ failures, waiting, end }: Inquiry) {
  return {
    failures,
    // Of one that has ended: why it couldn't be looked at.
    waiting_reason:
      end?.kind === "not-looked" ? toText(end.reason) : waiting === undefined ? null : toText(waiting.reason),
    waiting_until: waiting?.until ?? null,
    ended_at: end?.at ?? null,
    answer: end?.kind === "answered" ? end.answer : null,
  };
}

function selectInquiries(db: StoreTools["db"]) {
  return db
    .selectFrom("inquiries")
    .leftJoin("repositories", "repositories.id", "inquiries.repository_id")
    .selectAll("inquiries")
    .select([
      "repositories.owner_id",
      "repositories.owner",
      "repositories.name as repository_name",
      "repositories.installation",
      "repositories.is_private",
    ]);
}

type Row = Selectable<InquiryRow> & {
  readonly [Key in "owner_id" | "owner" | "installation" | "is_private"]: Selectable<RepositoryRow>[Key] | null;
} & { readonly repository_name: string | null };

function inquiryOf(row: Row): Inquiry {
  const { id, name, tag, digest, failures, waiting_reason, waiting_until } = row;
  return {
    id,
    image: parseReference(`${name}${tag && `:${tag}`}${digest && `@${digest}`}`),
    repository: askedBy(row),
    askedAt: row.asked_at,
    failures,
    waiting:
      waiting_reason === null || waiting_until === null ? undefined : { reason: waiting_reason, until: waiting_until },
    end: endOf(row),
  };
}

/** As it is now: one that has become private since decides otherwise about who may be told. */
function askedBy({ repository_id, owner_id, owner, repository_name, installation, is_private }: Row) {
  if (repository_id === null) return undefined;
  if (owner_id === null || owner === null || repository_name === null || installation === null || is_private === null)
    throw new StoreError("damaged", `repository ${repository_id} of an inquiry isn't there`);
  return repositoryOf({ id: repository_id, owner_id, owner, name: repository_name, installation, is_private });
}

function endOf({ ended_at, answer, waiting_reason }: Row): InquiryEnd | undefined {
  if (ended_at === null) return undefined;
  if (answer === null && waiting_reason !== null) return { kind: "not-looked", reason: waiting_reason, at: ended_at };
  return answer === null ? { kind: "nothing", at: ended_at } : { kind: "answered", answer, at: ended_at };
}
