// A process that is killed: see crashes.ts.
import { randomUUID } from "node:crypto";
import { text } from "node:stream/consumers";
import { openStore } from "../../src/store/store.ts";
import { newBuild, newRepository, pushOf } from "./build-fixture.ts";
import type { Order } from "./crashes.ts";

const { where, pace }: Order = JSON.parse(await text(process.stdin));
const store = await openStore(where.kind === "url" ? where : { ...where, process }, { serialise: () => ({}), pace });
const record = (guid: string) =>
  store.recordDelivery({ guid, event: "push", payload: { filler: "x".repeat(10_000) }, receivedAt: new Date() });

if (process.argv[2] === "hold") {
  const hold = (kind: string) => (id: string) => {
    console.log(`held ${kind} ${id}`);
    return new Promise<void>(() => {});
  };
  await store.work({ build: hold("build"), delivery: hold("delivery") }, { concurrency: 1 });
  await record(randomUUID());
  await store.recordPush(pushOf([newBuild(newRepository())]));
} else {
  for (;;) {
    const guid = randomUUID();
    await record(guid);
    console.log(guid);
  }
}
