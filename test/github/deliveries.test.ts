import assert from "node:assert/strict";
import { test } from "node:test";
import nock from "nock";
import { createDeliveries } from "../../src/github/deliveries.ts";
import { API, type Api, couldNotLook, startApi } from "./api.ts";

const LIST = "GET /app/hook/deliveries";
const SINCE = new Date("2026-11-27T16:00:00Z");

function deliveriesOf(api: Api) {
  return createDeliveries({ appOctokit: async () => api.octokit });
}

function delivery(id: number, changes: object = {}) {
  return {
    id,
    guid: "0b989ba4-242f-11e5-81e1-c7b6966d2516",
    delivered_at: "2026-11-27T16:00:01Z",
    event: "push",
    action: null,
    status: "OK",
    status_code: 202,
    repository_id: 42,
    ...changes,
  };
}

test("tells a page of deliveries, and which of them arrived", async (t) => {
  const api = startApi(t);
  const next = { link: `<${API}/app/hook/deliveries?per_page=100&cursor=v1_99>; rel="next"` };
  api.answer(
    LIST,
    200,
    [
      delivery(12),
      delivery(13, {
        status_code: 500,
        status: "failed",
        action: "created",
        event: "installation",
        repository_id: null,
      }),
      delivery(14, { status_code: 0, status: "timed out" }),
    ],
    next,
  );
  const { deliveries, next: cursor } = await deliveriesOf(api).listDeliveries(SINCE);
  assert.equal(cursor, "v1_99");
  assert.deepEqual(deliveries[0], {
    id: "12",
    guid: "0b989ba4-242f-11e5-81e1-c7b6966d2516",
    deliveredAt: new Date("2026-11-27T16:00:01Z"),
    event: "push",
    action: undefined,
    repositoryId: 42,
    isReceived: true,
  });
  assert.deepEqual(
    deliveries.map(({ event, action, repositoryId, isReceived }) => [event, action, repositoryId, isReceived]),
    [
      ["push", undefined, 42, true],
      ["installation", "created", undefined, false],
      ["push", undefined, 42, false],
    ],
  );
});

test("goes on where the page before ended, and ends at the time that was asked for", async (t) => {
  const api = startApi(t);
  const next = { link: `<${API}/app/hook/deliveries?cursor=v1_99>; rel="next"` };
  api.answer(`${LIST}?cursor=v1_50`, 200, [delivery(12), delivery(11, { delivered_at: "2026-11-27T15:59:59Z" })], next);
  const page = await deliveriesOf(api).listDeliveries(SINCE, "v1_50");
  assert.deepEqual(
    page.deliveries.map(({ id }) => id),
    ["12"],
  );
  assert.equal(page.next, undefined);
  api.answer(LIST, 200, [delivery(12)]);
  assert.equal((await deliveriesOf(api).listDeliveries(SINCE)).next, undefined);
});

test("could not look where the next page has no cursor", async (t) => {
  const api = startApi(t);
  api.answer(LIST, 200, [delivery(12)], { link: `<${API}/app/hook/deliveries?page=2>; rel="next"` });
  await couldNotLook("server-error", deliveriesOf(api).listDeliveries(SINCE));
});

test("keeps every digit of an id, and asks for that one again", async (t) => {
  const api = startApi(t);
  const text = JSON.stringify([delivery(0)]).replace('"id":0', '"id":9007199254740993123');
  nock(API).get("/app/hook/deliveries").query(true).reply(200, text, { "content-type": "application/json" });
  const { deliveries } = await deliveriesOf(api).listDeliveries(SINCE);
  assert.equal(deliveries[0]?.id, "9007199254740993123");
  nock(API).post("/app/hook/deliveries/9007199254740993123/attempts").reply(202, {});
  assert.equal(await deliveriesOf(api).redeliver("9007199254740993123"), true);
});

test("tells when GitHub doesn't remember a delivery any more, and when it can't be asked", async (t) => {
  const api = startApi(t);
  const route = "POST /app/hook/deliveries/12/attempts";
  api.answer(route, 404);
  assert.equal(await deliveriesOf(api).redeliver("12"), false);
  api.answer(route, 422, { message: "too old" });
  assert.equal(await deliveriesOf(api).redeliver("12"), false);
  api.answer(route, 401, { message: "A JSON web token could not be decoded" });
  await couldNotLook("credentials-refused", deliveriesOf(api).redeliver("12"));
  await assert.rejects(deliveriesOf(api).redeliver("../hook/config"), /no id of a delivery/);
});
