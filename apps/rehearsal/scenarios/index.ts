import { Scenario } from "../scenario";
import { AZURE } from "./azure";
import { CHANGES } from "./changes";
import { DEPLOYMENT } from "./deployment";
import { INTERRUPTION } from "./interruption";
import { ISOLATION } from "./isolation";
import { LOSSES } from "./losses";
import { NETWORK } from "./network";
import { ONCE } from "./once";
import { PARITY } from "./parity";
import { CONTROL } from "./control";
import { REGION } from "./region";
import { RETURNING } from "./returning";
import { RIGHTS } from "./rights";
import { RUNBOOKS } from "./runbooks";
import { RUNNERS } from "./runners";
import { SECRETS } from "./secrets";
import { VERSION } from "./version";

/** Everything that is rehearsed, in the order of the printed table. */
export const SCENARIOS: readonly Scenario[] = [
  ...DEPLOYMENT,
  ...INTERRUPTION,
  ...CHANGES,
  ...LOSSES,
  ...SECRETS,
  ...VERSION,
  ...AZURE,
  ...NETWORK,
  ...REGION,
  ...RETURNING,
  ...CONTROL,
  ...RUNNERS,
  ...ONCE,
  ...ISOLATION,
  ...PARITY,
  ...RIGHTS,
  ...RUNBOOKS,
];
