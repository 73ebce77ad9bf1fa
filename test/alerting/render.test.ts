import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import yaml from "js-yaml";
import { renderStack } from "../../apps/tools/monitoring/alerts";
import { describeWith, ROOT, run, ToolResult, withFolder } from "./support";
import { stackNames } from "../../stacks/files";

const OPTIONS = {
  mailFrom: "alerts@forma3d.com",
  smarthost: "smtp.forma3d.com:587",
  secrets: "/run/secrets/vault",
  prober: "http://blackbox:9115",
};

function alerts(args: readonly string[]): ToolResult & { code: number } {
  try {
    const output = execFileSync(
      process.execPath,
      ["packages/command/run.mjs", "apps/tools/monitoring/alerts.ts", ...args],
      {
        cwd: ROOT,
        encoding: "utf8",
        stdio: "pipe",
      },
    );
    return { ok: true, code: 0, output };
  } catch (error) {
    const { status, stderr, stdout } = error as { status: number; stderr: string; stdout: string };
    return { ok: false, code: status, output: `${stdout}${stderr}` };
  }
}

test("npm run alerts -- render writes every file of a stack", () => {
  withFolder((folder) => {
    const out = path.join(folder, "new", "folder");
    expect(alerts(["render", "prod", "--out", out])).toMatchObject({ code: 0 });
    expect(fs.readdirSync(out).sort()).toEqual([
      "alertmanager.yml",
      "forma3d-database.json",
      "forma3d-platform.json",
      "forma3d-recovery.json",
      "forma3d-slo.json",
      "gatus.yaml",
      "rules.yml",
      "statping-services.yml",
    ]);
  });
}, 180_000);

test.each([
  [["render", "nowhere", "--out", "/tmp/x"], `allowed: one of ${stackNames(ROOT).join(", ")}`],
  [["render", "prod"], "required option '--out <folder>' not specified"],
  [["paint"], "unknown command 'paint'"],
])(
  "%j ends with 2 and writes nothing",
  (args, message) => {
    const result = alerts(args);
    expect({ code: result.code, named: result.output.includes(message) }).toEqual({ code: 2, named: true });
    expect(result.output).not.toMatch(/^\s+at /m);
  },
  180_000,
);

test("a stack's own limits and secrets' dates are in its rules", () => {
  const rules = renderStack(ROOT, "prod", OPTIONS)["rules.yml"] as string;
  const expiry = Date.parse("2026-11-01T00:00:00Z") / 1_000 + 90 * 86_400;
  expect(rules).toContain(`expr: vector(${expiry})`);
});

describeWith(["promtool", "amtool"], "the rendered files of each stack", () => {
  test.each(stackNames(ROOT))("%s: promtool and amtool accept them", (stack) => {
    const files = renderStack(ROOT, stack, OPTIONS);
    const config = yaml.load(files["alertmanager.yml"] as string) as {
      receivers: { webhook_configs?: { url?: string; url_file?: string }[] }[];
    };
    // Debian's Alertmanager 0.25 cannot read a webhook's address from a file; newer ones can.
    for (const webhook of config.receivers.flatMap(({ webhook_configs = [] }) => webhook_configs)) {
      expect(webhook.url_file).toBe("/run/secrets/vault/dead-mans-switch-url");
      delete webhook.url_file;
      webhook.url = "https://heartbeat.example";
    }
    withFolder((folder) => {
      fs.writeFileSync(path.join(folder, "rules.yml"), files["rules.yml"] as string);
      fs.writeFileSync(path.join(folder, "alertmanager.yml"), yaml.dump(config));
      expect(run("promtool", ["check", "rules", "rules.yml"], folder)).toMatchObject({ ok: true });
      expect(run("amtool", ["check-config", "alertmanager.yml"], folder)).toMatchObject({ ok: true });
    });
  });
});
