import type { EmulatedCloud } from "../emulated-azure/cloud";
import { refuseInUse } from "../emulated-azure/model/azure/inUse";
import type { Scope, Stored } from "../emulated-azure/model/types";
import { refuseAsArm, refuseLocked, refuseUnlinked } from "../emulated-azure/provider/limits";
import { undoing } from "../emulated-azure/store/changes";
import type { Plan } from "./planner";

/** What was done to one resource. */
export interface DeployStep {
  readonly op: "create" | "update" | "replace" | "delete";
  readonly type: string;
  readonly id: string;
}

/**
 * Brings an emulated cloud to where a plan says, one resource after the other, as an update would: what is not there is
 * made, what differs is changed or replaced, and what an earlier plan made and this one has not is deleted. What runs
 * behind the cloud follows each step before the next begins.
 * @param plan made with `resolve`, and without errors
 * @param earlier the plan the cloud is at now
 * @throws CloudError what the cloud refuses; the steps before it are done
 */
export async function deployPlan(plan: Plan, cloud: EmulatedCloud, earlier?: Plan): Promise<DeployStep[]> {
  const deployment = new PlanDeployment(plan, cloud);
  const wanted = [...plan.deployment.cloud.all()];
  for (const stored of wanted) await deployment.bring(stored);
  const kept = new Set(wanted.map(({ key }) => key));
  const gone = [...(earlier?.deployment.cloud.all() ?? [])].filter(({ key }) => !kept.has(key));
  for (const stored of gone.reverse()) await deployment.remove(stored, "delete");
  return deployment.steps;
}

class PlanDeployment {
  readonly steps: DeployStep[] = [];

  constructor(
    private readonly plan: Plan,
    private readonly cloud: EmulatedCloud,
  ) {}

  async bring(stored: Stored): Promise<void> {
    const there = this.cloud.cloud.get(stored.key);
    if (!there || there.softDeleted) return this.make(stored, "create");
    const { changed, replaces } = this.plan.model.diff(stored.type, there.inputs, stored.inputs, []);
    if (replaces.length > 0) {
      await this.remove(there);
      return this.make(stored, "replace");
    }
    if (changed.length > 0) await this.change(there, stored);
  }

  async remove(stored: Stored, op?: "delete"): Promise<void> {
    const before = this.cloud.cloud.get(stored.key);
    if (!before || before.softDeleted) return;
    await this.perform("delete", before, op, async () => {
      const { cloud } = this.cloud;
      refuseLocked(cloud, before.id);
      refuseInUse(cloud, before);
      const snapshot = cloud.snapshot();
      this.plan.model.delete(before.type, before.id, scopeOf(before), cloud);
      await this.cloud.hooks.emit({ kind: "deleted", before }, undoing(cloud, snapshot));
    });
  }

  private make(stored: Stored, op: "create" | "replace"): Promise<void> {
    return this.perform("create", stored, op, async () => {
      const { cloud, front, hooks } = this.cloud;
      refuseAsArm(front.refusals, cloud, stored.type, stored.id, stored.inputs);
      refuseUnlinked(cloud, stored.type, stored.inputs);
      const snapshot = cloud.snapshot();
      // Values that were made up go into others, so they are the plan's.
      cloud.put(stored);
      await hooks.emit({ kind: "created", stored }, undoing(cloud, snapshot));
    });
  }

  private change(before: Stored, wanted: Stored): Promise<void> {
    return this.perform("update", before, "update", async () => {
      const { cloud, front, hooks } = this.cloud;
      const { type, id, key } = before;
      refuseAsArm(front.refusals, cloud, type, id, wanted.inputs, before.inputs);
      const snapshot = cloud.snapshot();
      this.plan.model.update(type, id, before.inputs, wanted.inputs, scopeOf(before), cloud);
      const stored = cloud.get(key);
      if (stored) await hooks.emit({ kind: "updated", stored, before }, undoing(cloud, snapshot));
    });
  }

  private async perform(
    operation: "create" | "update" | "delete",
    { type, id, key, inputs }: Stored,
    op: DeployStep["op"] | undefined,
    action: () => Promise<void>,
  ): Promise<void> {
    const attempt = { operation, urn: "", type, name: id.slice(id.lastIndexOf("/") + 1), key };
    const { serialisedBy } = this.plan.model.resource(type);
    await this.cloud.front.perform(attempt, serialisedBy?.(inputs, id, scopeOf({ key, id })), action);
    if (op) this.steps.push({ op, type, id });
  }
}

function scopeOf({ key, id }: Pick<Stored, "key" | "id">): Scope {
  const [provider, cluster = ""] = key.split(":");
  if (provider === "kubernetes") return { package: "kubernetes", config: { clusterIdentifier: cluster } };
  const subscriptionId = /^\/subscriptions\/([^/]+)/i.exec(id)?.[1] ?? "";
  return { package: "azure-native", config: { subscriptionId } };
}
