import type { Repository } from "../build/build.ts";
import { freshUntil, inputsOf } from "./forecast-reuse.ts";
import type { Foreseen } from "./foresee.ts";
import type { PullPolicy } from "./pull-policies.ts";
import type { ForecastAnswer, PullJudgePorts } from "./pull-ports.ts";
import type { FileText } from "./pull-text.ts";

/** A Dockerfile of which is asked what it would make. */
export interface Question {
  readonly how: Foreseen["how"];
  readonly text: FileText & { readonly kind: "text" };
}

/**
 * Answers what each Dockerfile would make by each policy: with what is known still, or by a forecast that is kept as soon as it is made,
 * so that whoever is killed in between has lost only one.
 *
 * @throws {CouldNotLook} where a text can't be read.
 */
export async function answersTo(
  ports: PullJudgePorts,
  repository: Repository,
  policies: readonly PullPolicy[],
  questions: readonly Question[],
  { since, announce }: { readonly since: Date | undefined; readonly announce: () => Promise<void> },
): Promise<(how: Question["how"], blob: string, policy: PullPolicy) => ForecastAnswer> {
  const keyOf = (how: Question["how"], blob: string, policy: PullPolicy) => inputsOf(repository, policy, blob, how);
  const wanted = questions.flatMap(({ how, text }) => policies.map((policy) => keyOf(how, text.blob, policy)));
  const { store } = ports;
  const known = new Map(await store.findForecasts(repository.installation, [...new Set(wanted)], ports.now(), since));
  let isAnnounced = false;
  for (const { how, text } of questions) {
    const missing = policies.filter((policy) => !known.has(keyOf(how, text.blob, policy)));
    if (missing.length === 0) continue;
    if (!isAnnounced) await announce();
    isAnnounced = true;
    const bytes = await text.read();
    const madeAt = ports.now();
    const foresights =
      "reason" in bytes
        ? missing.map(() => ({ kind: "refused" as const, line: 1, column: 1, reason: bytes.reason }))
        : await ports.foresee(
            { repository, text: bytes, how },
            missing.map(({ policy }) => policy),
          );
    for (const [i, policy] of missing.entries()) {
      const foresight = foresights[i];
      if (foresight === undefined) throw new Error("a policy by which nothing was foreseen");
      const inputs = keyOf(how, text.blob, policy);
      const answer: ForecastAnswer =
        foresight.kind === "refused"
          ? foresight
          : { kind: "forecast", key: ports.newId(), standing: foresight.standing };
      const document = foresight.kind === "refused" ? undefined : foresight.document;
      await store.keepForecast(repository, {
        inputs,
        answer,
        madeAt,
        freshUntil: freshUntil(foresight, madeAt),
        document,
      });
      known.set(inputs, answer);
    }
  }
  return (how, blob, policy) => {
    const answer = known.get(keyOf(how, blob, policy));
    if (answer === undefined) throw new Error("a Dockerfile of which nobody asked");
    return answer;
  };
}
