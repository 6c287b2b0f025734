/** Largest answer of the API that is read, in bytes: a page of a hundred runs, or a tag with a long message (DESIGN §7). */
const MAX_ANSWER_BYTES = 8 * 1024 * 1024;

/**
 * `fetch` for an Octokit, which would read answers of any size: messages of tags and commits are as long as strangers like. What is
 * longer breaks off, and is no JSON any more.
 */
export const limitedFetch: typeof fetch = async (input, init) => {
  const response = await fetch(input, init);
  if (response.body === null) return response;
  let read = 0;
  const limit = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      read += chunk.length;
      if (read > MAX_ANSWER_BYTES) controller.error(new Error(`an answer of more than ${MAX_ANSWER_BYTES} bytes`));
      else controller.enqueue(chunk);
    },
  });
  const { status, statusText, headers } = response;
  return new Response(response.body.pipeThrough(limit), { status, statusText, headers });
};
