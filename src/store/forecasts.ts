import { z } from "zod";
import type { ForecastAnswer, ForecastStore } from "../change/pull-ports.ts";
import { toJson } from "./json.ts";
import { Standing } from "./pull-row.ts";
import type { StoreTools } from "./transact.ts";

/** Forecasts, and what is shown of them. */
export interface Forecasts extends ForecastStore {
  /** The documents that are there still, by key; of one installation (RULES R3). */
  readForecastDocuments(installation: number, keys: readonly string[]): Promise<ReadonlyMap<string, unknown>>;
}

const Answer = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("forecast"), key: z.string(), standing: Standing }),
  z.object({ kind: z.literal("refused"), line: z.number(), column: z.number(), reason: z.string() }),
]);

export function createForecasts({ db, attempt }: StoreTools): Forecasts {
  return {
    findForecasts: (installation, inputs, now, since) =>
      attempt("find forecasts", async () => {
        if (inputs.length === 0) return new Map();
        const rows = await db
          .selectFrom("forecasts")
          .select(["inputs", "answer"])
          .where("installation", "=", installation)
          .where("inputs", "in", inputs)
          .where("fresh_until", ">", now)
          .$if(since !== undefined, (query) => query.where("made_at", ">=", since ?? now))
          .orderBy("made_at")
          .execute();
        // The last one of each counts.
        return new Map(rows.map((row): [string, ForecastAnswer] => [row.inputs, Answer.parse(row.answer)]));
      }),
    keepForecast: ({ id, installation }, { inputs, answer, madeAt, freshUntil, document }) =>
      attempt("keep a forecast", async () => {
        await db
          .insertInto("forecasts")
          .values({
            key: answer.kind === "forecast" ? answer.key : `refused ${inputs} ${madeAt.getTime()}`,
            installation,
            repository_id: id,
            inputs,
            answer: toJson(answer),
            document: document === undefined ? null : toJson(document),
            made_at: madeAt,
            fresh_until: freshUntil,
          })
          .onConflict((conflict) => conflict.column("key").doNothing())
          .execute();
      }),
    readForecastDocuments: (installation, keys) =>
      attempt("read forecasts", async () => {
        if (keys.length === 0) return new Map();
        const rows = await db
          .selectFrom("forecasts")
          .select(["key", "document"])
          .where("installation", "=", installation)
          .where("key", "in", keys)
          .where("document", "is not", null)
          .execute();
        return new Map(rows.map(({ key, document }) => [key, document]));
      }),
  };
}
