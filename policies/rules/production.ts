import type { Rule } from "../../packages/isolation/rule";
import { shapeRules, type Shapes } from "./shape";
import { statementRule, type Statements } from "./statement";

/** What the production stacks of this project must have, and what they may consist of. */
export interface Production {
  readonly statements: Statements;
  readonly shapes: Shapes;
}

const OF_NOBODY: Production = { statements: new Map(), shapes: new Map() };

/** Rules that hold production against what is written down about it; without that they are silent. */
export const productionRules = ({ statements, shapes }: Production = OF_NOBODY): readonly Rule[] => [
  statementRule(statements),
  ...shapeRules(shapes),
];
