import { createHmac } from "node:crypto";
import { request } from "node:http";

/** The header X-Hub-Signature-256 of a body. */
export function signature(body: string, secret: string): string {
  return `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`;
}

/** A delivery of a push that GitHub didn't make. */
export interface HandDelivery {
  readonly webhooks: string;
  readonly secret: string;
  readonly guid: string;
  readonly body: string;
  /** Above those that GitHub sends; undefined takes one out. */
  readonly headers?: Readonly<Record<string, string | undefined>>;
}

/** Posts it. Of a body that is said to be longer than it is only what there is goes out. @returns the status of the answer. */
export function deliverByHand({
  webhooks,
  secret,
  guid,
  body,
  headers = {},
}: HandDelivery): Promise<number | undefined> {
  const all: Readonly<Record<string, string | undefined>> = {
    "content-type": "application/json",
    "content-length": String(Buffer.byteLength(body)),
    "x-github-event": "push",
    "x-github-delivery": guid,
    "x-hub-signature-256": signature(body, secret),
    ...headers,
  };
  const given = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
  return new Promise((resolve, reject) => {
    const sent = request(webhooks, { method: "POST", headers: given, agent: false });
    sent.on("response", (response) => {
      resolve(response.resume().statusCode);
      response.on("end", () => sent.destroy());
    });
    sent.on("error", reject);
    sent.write(body);
    if (Number(given["content-length"] ?? 0) <= Buffer.byteLength(body)) sent.end();
  });
}
