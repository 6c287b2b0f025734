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
  const hold = (kind: string, id: string) => {
    console.log(`${kind} ${id}`);
    return new Promise<void>(() => {});
  };
  const repository = newRepository();
  const [told, timed] = [newBuild(repository), newBuild(repository, { key: { image: "timed" } })];
  let calls = 0;
  await store.work(
    {
      // One is at work because it was told to, the other because its time had come.
      build: (id) =>
        id === timed.id && calls++ === 0 ? store.wake("build", id, new Date(Date.now() + 500)) : hold("build", id),
      delivery: (guid) => hold("delivery", guid),
      proposal: (id) => hold("proposal", id),
    },
    { concurrency: 2 },
  );
  await record(randomUUID());
  await store.recordPush(pushOf([told, timed]));
} else {
  for (;;) {
    const guid = randomUUID();
    await record(guid);
    console.log(guid);
  }
}
