import type { Build, Run } from "./build.ts";

/** A build whose run was started again: everything is asked anew, under a new check run (RULES R9). */
export function forAttempt(build: Build, run: Run): Build {
  return { ...fresh(build), phase: "dispatched", run };
}

/** A build without a run, or whose run can't be started again, from the beginning. A run that may be on its way is looked for first. */
export function forDispatch(build: Build): Build {
  const { dispatch } = build.attempted;
  const attempted = build.run === undefined && dispatch !== undefined ? { dispatch } : {};
  return { ...fresh(build), phase: "requested", run: undefined, attempted };
}

/** A build that is to be judged again: its digest stays, since that is what was judged. */
export function forJudgement(build: Build): Build {
  return { ...fresh(build), phase: "verifying", digest: build.digest };
}

/** A build that is to be judged again, from where it came to: without a digest it isn't known that the run has ended. */
export function fromWhereItCame(build: Build): Build {
  if (build.run === undefined) return forDispatch(build);
  return build.digest === undefined ? forAttempt(build, build.run) : forJudgement(build);
}

function fresh(build: Build): Build {
  return {
    ...build,
    round: build.round + 1,
    checkRun: undefined,
    attempted: {},
    reported: undefined,
    runStatus: undefined,
    digest: undefined,
    outcome: undefined,
    validUntil: undefined,
    settledAt: undefined,
    failures: 0,
    waiting: undefined,
  };
}
