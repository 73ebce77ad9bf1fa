import { alertsPage } from "./alertsPage";
import { renderPolicies } from "../../../policies/pack/reference";
import { configurationReference, stackFileSchema } from "../../../stacks/reference";
import { renderIsolation } from "./isolationPage";
import { COMMANDS_FILE, renderCommands } from "./commandsPerPage";
import { readContacts, renderContacts } from "../../operations/contacts";
import { renderCost } from "./costPages";
import { renderIncidentGuide, renderStatusPageGuide } from "./incidentPages";
import { ARCHITECTURE_FILE, renderArchitecture, renderReadme } from "./readmePage";
import { renderRisks } from "./riskPages";
import { readRunbooks, renderRunbook } from "./runbook";
import { sloPage } from "./sloPage";
import { alertsFor, allAlerts, renderIndex, renderQuickReference } from "./runbookPages";
import { renderSla } from "./slaPages";

/** A file that is generated from code; never edited by hand. */
export interface GeneratedPage {
  /** Path from the repository's root. */
  file: string;
  render(): string | Promise<string>;
}

function runbookPages(root: string): GeneratedPage[] {
  return readRunbooks(root).map((book) => ({
    file: `docs/runbooks/${book.id}.md`,
    render: () => renderRunbook(book, alertsFor(book.id, allAlerts())),
  }));
}

/** Every generated file of the repository. `npm run docs` writes them, a test fails when one is stale. */
export function pages(root: string): readonly GeneratedPage[] {
  return [
    { file: "docs/configuration.md", render: configurationReference },
    { file: "docs/stack.schema.json", render: () => `${JSON.stringify(stackFileSchema(), null, 2)}\n` },
    { file: "docs/policies.md", render: renderPolicies },
    { file: "docs/isolation.md", render: renderIsolation },
    { file: "docs/alerts.md", render: alertsPage },
    { file: "docs/slo.md", render: sloPage },
    { file: "docs/README.md", render: () => renderIndex(root) },
    { file: "docs/incident/README.md", render: renderIncidentGuide },
    { file: "docs/incident/status-page.md", render: renderStatusPageGuide },
    { file: "docs/incident/contacts.md", render: () => renderContacts(readContacts(root)) },
    {
      file: "docs/incident/quick-reference.md",
      render: () => renderQuickReference(root, readContacts(root).people),
    },
    { file: ARCHITECTURE_FILE, render: () => renderArchitecture(root) },
    { file: COMMANDS_FILE, render: () => renderCommands(root) },
    { file: "README.md", render: () => renderReadme(root) },
    { file: "docs/cost.md", render: () => renderCost(root) },
    { file: "docs/risks.md", render: () => renderRisks(root) },
    { file: "docs/sla.md", render: renderSla },
    ...runbookPages(root),
  ];
}
