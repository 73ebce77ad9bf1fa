import { testFine } from "./support/judgedPlans";

testFine([
  [
    "prod in the second region, with both clusters up",
    "prod",
    { "regions.primary.role": "standby", "regions.secondary.role": "serving" },
  ],
  // A release must come out then, through the same gate.
  ["prod while its standby's region is lost", "prod", { "regions.secondary.role": "lost" }],
]);
