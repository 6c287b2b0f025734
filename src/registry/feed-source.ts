import { CouldNotLook, type FeedSource } from "../trust/ports.ts";
import type { RegistryClient } from "./client.ts";

/** Fetches feeds of roots under the client's guard, limits and deadline, and without any credentials. */
export function createFeedSource(download: RegistryClient["download"]): FeedSource {
  return {
    async fetchFeed(url, limit) {
      const { origin, pathname } = new URL(url);
      const what = "read a roots feed";
      const { status, body } = await download(new URL(url), limit, what);
      if (status === 200) return body;
      throw new CouldNotLook("server-error", `${what}: GET ${origin}${pathname}: status ${status}; check its address`);
    },
  };
}
