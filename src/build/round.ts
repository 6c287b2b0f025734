import type { Build, Run } from "./build.ts";

/** A build whose run was started again: everything is asked anew, under a new check run (RULES R9). */
export function forAttempt(build: Build, run: Run): Build {
  return { ...fresh(build), phase: "dispatched", run };
}

/** A build that never had a run, from the beginning. */
export function forDispatch(build: Build): Build {
  return { ...fresh(build), phase: "requested", run: undefined };
}

/** A build that is to be judged again: its digest stays, since that is what was judged. */
export function forJudgement(build: Build): Build {
  return { ...fresh(build), phase: "verifying", digest: build.digest };
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
    settledAt: undefined,
    failures: 0,
    waiting: undefined,
  };
}
