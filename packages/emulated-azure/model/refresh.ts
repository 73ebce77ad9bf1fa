import { differences, isTree } from "./paths";
import type { Tree, Value } from "./types";

/**
 * Inputs after a refresh, as the azure-native provider works them out: those of the state, with what differs between the properties
 * the state knows and those the service shows now. A property the service filled in by itself therefore becomes an input only once
 * it changes, and what was sent but is never shown stays as the state has it
 * (https://github.com/pulumi/pulumi-azure-native, `Read` in provider/pkg/provider/provider.go and `applyDiff` in diff.go).
 *
 * Not imitated, since the facts here do not say it: the few defaults the provider restores itself, and parts of a resource that are
 * resources of their own, which this cloud's properties never show.
 * @param inputs of the state
 * @param before what of the state's properties can be sent
 * @param now what of the present properties can be sent
 */
export function carriedOver(inputs: Tree, before: Tree, now: Tree): Tree {
  const kept = Object.entries(inputs).filter(([name]) => name in now || !(name in before));
  const carried = Object.entries(now)
    .filter(([name, value]) => differences(before[name], value).length > 0)
    .map(([name, value]): [string, Value] => [name, carriedValue(inputs[name], before[name], value)]);
  return Object.fromEntries([...kept, ...carried]);
}

function carriedValue(input: Value | undefined, before: Value | undefined, now: Value): Value {
  if (isTree(input) && isTree(before) && isTree(now)) return carriedOver(input, before, now);
  if (Array.isArray(input) && Array.isArray(before) && Array.isArray(now))
    return now.map((item: Value, i) =>
      i < input.length && i < before.length
        ? carriedValue(input[i] as Value, before[i] as Value, item)
        : item,
    );
  return now;
}

/** What an import takes of properties: all but empty lists and maps, which say nothing. */
export function withoutEmpty(value: Tree): Tree {
  return Object.fromEntries(
    Object.entries(value)
      .map(([name, item]): [string, Value] => [name, isTree(item) ? withoutEmpty(item) : item])
      .filter(([, item]) => !(isTree(item) && Object.keys(item).length === 0) && !isEmptyList(item)),
  );
}

const isEmptyList = (value: Value): boolean => Array.isArray(value) && value.length === 0;

/**
 * What the live object says about the fields the state's inputs have. The kubernetes provider compares no others
 * (https://github.com/pulumi/pulumi-kubernetes, `Diff` in provider/pkg/provider/provider.go): what somebody else adds is theirs.
 */
export function asFarAsAsked(live: Value, asked: Value): Value {
  if (isTree(live) && isTree(asked))
    return Object.fromEntries(
      Object.entries(live).flatMap(([name, value]): [string, Value][] => {
        const wanted = asked[name];
        return wanted === undefined ? [] : [[name, asFarAsAsked(value, wanted)]];
      }),
    );
  if (Array.isArray(live) && Array.isArray(asked))
    return live.map((item: Value, i) => (i < asked.length ? asFarAsAsked(item, asked[i] as Value) : item));
  return live;
}
