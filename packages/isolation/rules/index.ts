import type { Rule } from "../rule";
import { clientRule } from "./clients";
import { copyOriginRule, copySourceRule } from "./database";
import {
  exportedCredentialRule,
  ignoredChangesRule,
  launderedRule,
  outsideOriginRule,
  unknownRule,
  unlistedStackRule,
} from "./dataflow";
import {
  executableRule,
  listedTypeRule,
  operatorRule,
  privateLinkRule,
  remoteTemplateRule,
  replicationRule,
  untypedRule,
} from "./escapeHatches";
import { ancestorScopeRule, federationRule } from "./identity";
import { egressRequiredRule } from "./egress";
import { hiddenValuesRule } from "./hiddenValues";
import { networkPathRule } from "./network";
import { issuerRule, principalRule } from "./principals";
import { providerRules } from "./providers";
import { networkSetRule } from "./networkSets";
import { secretPathRule } from "./secretPaths";
import { outputRule, reachRules } from "./reaches";
import { takenSettingsRule } from "./takenSettings";
import { unmanagedReferenceRule } from "./workloads";

/** Every isolation rule, in the order of their ids. */
export const isolationRules: readonly Rule[] = [
  unlistedStackRule,
  ...reachRules,
  outputRule,
  copySourceRule,
  copyOriginRule,
  networkPathRule,
  egressRequiredRule,
  networkSetRule,
  ancestorScopeRule,
  federationRule,
  principalRule,
  issuerRule,
  clientRule,
  ...providerRules,
  executableRule,
  remoteTemplateRule,
  operatorRule,
  hiddenValuesRule,
  replicationRule,
  privateLinkRule,
  unmanagedReferenceRule,
  untypedRule,
  listedTypeRule,
  secretPathRule,
  unknownRule,
  ignoredChangesRule,
  launderedRule,
  outsideOriginRule,
  exportedCredentialRule,
  takenSettingsRule,
];
