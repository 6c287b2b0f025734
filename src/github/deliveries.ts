import { z } from "zod";
import type { Deliveries } from "../build/ports.ts";
import { absentOn, type Clients, exchange, nextOf, PAGE, parsed } from "./ask.ts";
import { GitHubError, type Question } from "./error.ts";

/** Octokit reads what a number doesn't hold exactly as a bigint. */
const deliveryId = z.union([z.int().positive(), z.bigint().positive()]).transform((id) => String(id));

const deliveries = z.array(
  z.object({
    id: deliveryId,
    guid: z.string().min(1),
    delivered_at: z.iso.datetime({ offset: true }).transform((text) => new Date(text)),
    event: z.string(),
    action: z.string().nullable(),
    repository_id: z.int().nullable(),
    status_code: z.int(),
  }),
);

/** Reads GitHub's memory of what it delivered, in the app's own name: tokens of installations can't. */
export function createDeliveries({ appOctokit }: Pick<Clients, "appOctokit">): Deliveries {
  return {
    async listDeliveries(since, cursor) {
      const app = await appOctokit();
      const question = { asked: "for the deliveries of the app's webhook" };
      const answer = await exchange(question, (request) =>
        app.rest.apps.listWebhookDeliveries({ per_page: PAGE, ...(cursor !== undefined && { cursor }), request }),
      );
      const page = parsed(question, deliveries, answer.data);
      const recent = page.filter(({ delivered_at }) => delivered_at >= since);
      const next = nextOf(answer);
      return {
        deliveries: recent.map(({ id, guid, delivered_at, event, action, repository_id, status_code }) => ({
          id,
          guid,
          deliveredAt: delivered_at,
          event,
          action: action ?? undefined,
          repositoryId: repository_id ?? undefined,
          // Timeouts and refused connections have codes that are no answers, 0 among them.
          isReceived: status_code >= 200 && status_code < 300,
        })),
        next: recent.length < page.length || next === undefined ? undefined : cursorOf(question, next),
      };
    },
    async redeliver(id) {
      if (!/^\d+$/.test(id)) throw new Error(`no id of a delivery: ${id}`);
      const app = await appOctokit();
      const answer = await absentOn(
        [404, 422],
        // The id stands in the path as it came: as a number it could lose its last digits.
        exchange({ asked: `to deliver ${id} again` }, (request) =>
          app.request(`POST /app/hook/deliveries/${id}/attempts`, { request }),
        ),
      );
      return answer !== undefined;
    },
  };
}

function cursorOf(question: Question, next: string): string {
  const cursor = URL.canParse(next) ? new URL(next).searchParams.get("cursor") : null;
  if (cursor !== null) return cursor;
  throw new GitHubError("server-error", `asked GitHub ${question.asked}: the next page has no cursor; try again later`);
}
