import { after, describe } from "node:test";
import { testAnswerEvidence } from "./answer-evidence.ts";
import { testAnswerHistory, testOlderHistory } from "./answer-history.ts";
import { testAnswerLists } from "./answer-lists.ts";
import { testAnswers } from "./answers.ts";
import { testBuilds } from "./builds.ts";
import { testContent } from "./content.ts";
import { testCrashes } from "./crashes.ts";
import { testDeliveries } from "./deliveries.ts";
import { testInquiries, testInquiryWork } from "./inquiries.ts";
import { testKnownImages } from "./known-images.ts";
import { testLapsing, testLeases } from "./leases.ts";
import { testNotices } from "./notices.ts";
import { testOpening, testServer } from "./opening.ts";
import { testOwnerVerdicts } from "./owner-verdicts.ts";
import { dialects, removeTemplate, sharedStore } from "./places.ts";
import { testPolicyStates } from "./policy-states.ts";
import { testPrivateSources } from "./private-sources.ts";
import { testProofs } from "./proofs.ts";
import { testProposals } from "./proposals.ts";
import { testPublishedImages } from "./published-images.ts";
import { testPulls } from "./pulls.ts";
import { testRepositories } from "./repositories.ts";
import { testSightings } from "./sightings.ts";
import { testStaleAnswers } from "./stale-answers.ts";
import { testSummaries } from "./summaries.ts";
import { testTags } from "./tags.ts";
import { testWork } from "./work.ts";
import { testWritePace } from "./write-pace.ts";

after(removeTemplate);

for (const dialect of dialects) {
  describe(dialect.name, () => {
    const shared = sharedStore(dialect);
    testDeliveries(shared);
    testBuilds(shared);
    testTags(shared);
    testSummaries(shared);
    testKnownImages(shared);
    testSightings(shared);
    testRepositories(shared);
    testProofs(shared);
    testProposals(shared);
    testPolicyStates(shared);
    testPulls(shared);
    testNotices(shared);
    testAnswers(shared);
    testPrivateSources(shared);
    testAnswerLists(shared);
    testAnswerHistory(shared);
    testPublishedImages(shared);
    testOwnerVerdicts(shared);
    testInquiries(shared);
    testAnswerEvidence(shared, dialect);
    testStaleAnswers(dialect);
    testOlderHistory(dialect);
    testInquiryWork(dialect);
    testWritePace(shared);
    testLeases(shared);
    testContent(dialect);
    testOpening(dialect);
    if (dialect.isShared) {
      testLapsing(dialect);
      testServer(dialect);
    }
    testWork(dialect);
    testCrashes(dialect);
  });
}
