import type { ResourceView } from "../../../packages/isolation/rule";

/** Where it is written down what production consists of. */
export const LIST = "policies/shape.json";

/** Components, the stack and what the engine adds: nothing of theirs is sent to a cloud. */
export const SENT = /^(?:azure-native|kubernetes|random|pulumi:providers:)/;

export const isSent = ({ type }: ResourceView): boolean => SENT.test(type);
