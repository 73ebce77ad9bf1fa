/** Leaves out of Pulumi's SDK what a plan has no use for; must come before the SDK's index is loaded. */
export function quietSdk(): void;
