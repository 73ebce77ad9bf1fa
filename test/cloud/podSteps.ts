import { execFile, spawn } from "node:child_process";
import { PassThrough } from "node:stream";
import { promisify } from "node:util";
import * as k8s from "@kubernetes/client-node";
import { KUBECTL, type Ran } from "./kubectlSteps";

/** Runs a step as its page has it, with the program itself and something to read. */
export function runInShell(command: string, env: Readonly<Record<string, string>>, input = ""): Promise<Ran> {
  return new Promise((resolve) => {
    const child = spawn("bash", ["--norc", "-uc", command], { env: { PATH: process.env.PATH, ...env } });
    let said = "";
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (part: Buffer) => (said += part.toString()));
    child.once("close", (code) => resolve({ ok: code === 0, said }));
    child.stdin.end(input);
  });
}

/** A `kubectl exec` or `kubectl top pods` as its page has it: with the real program, else by the official client. */
export async function runInPod(
  command: string,
  env: Readonly<Record<string, string>>,
  kubeconfig: string,
  input = "",
): Promise<Ran> {
  if (KUBECTL) return runInShell(command, { ...env, KUBECONFIG: kubeconfig, HOME: "/nonexistent" }, input);
  const words = await wordsOf(command, env);
  const config = new k8s.KubeConfig();
  config.loadFromFile(kubeconfig);
  const core = config.makeApiClient(k8s.CoreV1Api);
  const namespace = words[words.indexOf("--namespace") + 1]!;
  try {
    if (words[0] === "top")
      return { ok: true, said: JSON.stringify(await new k8s.Metrics(config).getPodMetrics(namespace)) };
    const end = words.indexOf("--");
    const [, name = ""] = words
      .slice(0, end)
      .find((word) => /^(deploy|job)\//.test(word))!
      .split("/");
    const { items } = await core.listNamespacedPod({ namespace });
    const pod = items.find(({ metadata }) => metadata!.name!.startsWith(`${name}-`))!.metadata!.name!;
    const container = (await core.readNamespacedPod({ namespace, name: pod })).spec!.containers[0]!.name;
    const [stdin, out] = [new PassThrough(), new PassThrough()];
    let said = "";
    out.on("data", (part: Buffer) => (said += part.toString()));
    const status = await new Promise<k8s.V1Status>((resolve, reject) => {
      new k8s.Exec(config)
        .exec(namespace, pod, container, words.slice(end + 1), out, out, input ? stdin : null, false, resolve)
        .catch(reject);
      stdin.end(input);
    });
    return { ok: status.status === "Success", said: `${said}${status.message ?? ""}` };
  } catch (error) {
    // What is refused before the connection stands is told by its status alone.
    return { ok: false, said: String((error as { message?: string }).message ?? error) };
  }
}

/** Words of a command as a shell hands them to the program. */
async function wordsOf(command: string, env: Readonly<Record<string, string>>): Promise<string[]> {
  const shell = `kubectl(){ printf '%s\\0' "$@"; }; ${command}`;
  const { stdout } = await promisify(execFile)("bash", ["--norc", "-uc", shell], {
    env: { PATH: process.env.PATH, ...env },
  });
  return stdout.split("\0").slice(0, -1);
}
