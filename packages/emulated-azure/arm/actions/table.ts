import type { ArmAnswer, ArmContext, ArmRequest } from "../context";

export type Action = (context: ArmContext, request: ArmRequest) => Promise<ArmAnswer> | ArmAnswer;

/** Handlers by method and type, as in `POST Microsoft.Storage/storageAccounts/failover`. */
export type ActionTable = Readonly<Record<string, Action>>;
