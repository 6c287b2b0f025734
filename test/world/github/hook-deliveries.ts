import { type Endpoints, forApp, number } from "./call.ts";
import type { Deliveries, Delivery } from "./deliveries.ts";
import { notFound, unprocessable } from "./error.ts";
import type { State } from "./state.ts";

/** Listing the app's webhooks, and asking for one again. */
export function hookDeliveryEndpoints(state: State, deliveries: Deliveries): Endpoints {
  return {
    "GET /app/hook/deliveries": forApp((call) => {
      const { cursor, status, per_page: perPage = 30 } = call.parameters;
      const after = cursor === undefined ? Number.POSITIVE_INFINITY : Number(/^v1_(\d+)$/.exec(String(cursor))?.[1]);
      if (Number.isNaN(after)) throw unprocessable("Invalid cursor");
      const found = deliveries.all.filter((each) => each.id < after && fits(each, status)).toReversed();
      const items = found.slice(0, Math.min(Number(perPage), 100));
      const last = items.at(-1);
      const next = new URL(call.url);
      if (last !== undefined) next.searchParams.set("cursor", `v1_${last.id}`);
      const headers: Record<string, string> = found.length > items.length ? { link: `<${next}>; rel="next"` } : {};
      return { status: 200, headers, body: items.map(deliveryDocument) };
    }),
    "POST /app/hook/deliveries/{delivery_id}/attempts": forApp((call) => {
      const found = deliveries.all.find(({ id }) => id === number(call, "delivery_id"));
      if (found === undefined) throw notFound();
      if (state.now().getTime() - found.deliveredAt.getTime() > KEPT_MS)
        throw unprocessable("The delivery is too old to be redelivered.");
      void deliveries.redeliver(found);
      return { status: 202, body: {} };
    }),
  };
}

/** Redelivery is possible for three days. */
const KEPT_MS = 3 * 24 * 3_600_000;

/** GitHub's `failure` is a status code from 400 to 599: those that nobody answered are neither. */
function fits({ status, statusCode }: Delivery, asked: unknown): boolean {
  if (status === undefined) return false; // not there yet
  if (asked === "failure") return statusCode >= 400 && statusCode < 600;
  return asked !== "success" || status === "OK";
}

function deliveryDocument(delivery: Delivery) {
  const { id, guid, event, action, redelivery, duration, installationId, repositoryId } = delivery;
  return {
    id,
    guid,
    delivered_at: delivery.deliveredAt.toISOString(),
    redelivery,
    duration,
    status: delivery.status ?? "",
    status_code: delivery.statusCode,
    event,
    action,
    installation_id: installationId,
    repository_id: repositoryId,
    throttled_at: null,
  };
}
