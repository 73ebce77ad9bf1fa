export { ANY_NAME, placeOf, programOf } from "./names";
export { deepest, pathsOf } from "./paths";
export { rightsOf } from "./rights";
export { isSent, shapeRules } from "./rules";
export { sourcesOf } from "./sources";
export type { Shape, Shapes, TypeShape } from "./types";
