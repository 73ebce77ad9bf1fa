export { isSent } from "./list";
export { ANY_NAME, placeOf, programOf } from "./names";
export { deepest, pathsOf } from "./paths";
export { rightsOf } from "./rights";
export { shapeRules } from "./rules";
export { sourcesOf } from "./sources";
export { kindOf, standingOf } from "./standing";
export type { Shape, Shapes, Standing, TypeShape } from "./types";
