import { z } from "zod";
import { absentOn, ask, type GitHubClient } from "./ask.ts";
import { GitHubError } from "./error.ts";

/** Longest code that is sent on, and longest secret that is taken; GitHub's have 40 characters, and anybody may call the address that a code comes to. */
const MAX_WORD_LENGTH = 200;

/** Longest private key that is taken, in characters: GitHub's are RSA keys of 2048 bits, of about 1,700. */
const MAX_KEY_LENGTH = 16_384;

/** An app that GitHub has just registered, with all its secrets: nothing of it may be printed or logged but `id`, `slug` and `url`. */
export interface RegisteredApp {
  readonly id: number;
  /** Of its page, `https://github.com/apps/SLUG`. */
  readonly slug: string;
  readonly url: string;
  /** PEM. GitHub shows it this once. */
  readonly privateKey: string;
  readonly webhookSecret: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

/** It goes into a file of lines, `NAME=value`. */
const word = z
  .string()
  .max(MAX_WORD_LENGTH)
  .regex(/^[\x21-\x7e]+$/);

const registration = z
  .object({
    id: z.int().positive(),
    slug: z.string().regex(/^[a-z0-9][a-z0-9-]{0,99}$/),
    html_url: z.url({ protocol: /^https?$/ }),
    pem: z
      .string()
      .max(MAX_KEY_LENGTH)
      .regex(/^-----BEGIN (?:RSA )?PRIVATE KEY-----\n[\w+/=\n]+-----END (?:RSA )?PRIVATE KEY-----\n?$/),
    // GitHub makes one for every manifest with a webhook; without it no delivery could be told from a stranger's.
    webhook_secret: word,
    client_id: word,
    client_secret: word,
  })
  .transform(
    ({ id, slug, html_url, pem, webhook_secret, client_id, client_secret }): RegisteredApp => ({
      id,
      slug,
      url: html_url,
      privateKey: pem,
      webhookSecret: webhook_secret,
      clientId: client_id,
      clientSecret: client_secret,
    }),
  );

/**
 * Exchanges the code with which GitHub sends a person back from its page for apps.
 *
 * @param octokit - In nobody's name: there is no app yet that could have one.
 * @returns undefined where GitHub knows no such code: it serves once, and for an hour.
 * @throws {GitHubError} after an answer that got lost the code may be used up all the same.
 */
export async function exchangeManifestCode(octokit: GitHubClient, code: string): Promise<RegisteredApp | undefined> {
  if (code.length > MAX_WORD_LENGTH || !/^[\w-]+$/.test(code)) return undefined;
  try {
    return await absentOn(
      [404, 422],
      ask({ asked: "to register the app" }, registration, (request) =>
        octokit.rest.apps.createFromManifest({ code, request }),
      ),
    );
  } catch (error) {
    if (!(error instanceof GitHubError)) throw error;
    // What is thrown ends in logs, and its cause has the request, with a code that may still serve.
    const { status, retryAfter } = error;
    throw new GitHubError(error.code, error.message.replaceAll(code, "[code]"), { status, retryAfter });
  }
}
