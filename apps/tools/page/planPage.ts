import { createHash } from "node:crypto";
import type { Plan } from "../../../packages/offline-engine/planner";
import { architectureOf } from "../render/architecture";
import { drawArchitecture, NARROW, WIDE } from "../render/drawing";
import { planDocument } from "../render/plan";
import { changesSection, stopSection } from "./changes";
import { costSection } from "./cost";
import { factsSection } from "./facts";
import { Html, markup } from "./html";
import { missingSection, policiesSection } from "./policies";
import { resourcesSection } from "./resources";
import type { PageFacts, Section } from "./section";
import { PAGE_SCRIPT } from "./script";
import { PAGE_STYLE } from "./style";

const hash = (text: string): string => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

function pictureSection(plan: Plan): Section {
  const architecture = architectureOf(planDocument(plan));
  const title = `Architecture of ${plan.settings.stack}`;
  return {
    id: "architecture",
    title: "Architecture",
    body: markup`<div class="wide">${new Html(drawArchitecture(architecture, title, WIDE))}</div>
      <div class="narrow">${new Html(drawArchitecture(architecture, title, NARROW))}</div>`,
  };
}

/**
 * A plan as one page that needs nothing beside itself: the drawn architecture, what it is, what changes, is missing, costs
 * and is forbidden, and every resource. It loads nothing and sends nothing, which its content security policy holds it to.
 * Equal plans are equal pages.
 */
export function renderPage(plan: Plan, facts: PageFacts): string {
  const { project, stack } = plan.settings;
  const { outcome, changes, cost } = facts;
  const sections = [
    ...(changes ? stopSection(changes) : []),
    factsSection(plan, facts),
    pictureSection(plan),
    ...(changes ? [changesSection(changes)] : []),
    ...missingSection(plan),
    policiesSection(plan),
    costSection(cost, changes?.cost),
    resourcesSection(plan),
  ];
  const policy = `default-src 'none'; style-src 'unsafe-inline'; script-src ${hash(PAGE_SCRIPT)}; base-uri 'none'; form-action 'none'`;
  return markup`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${policy}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${project}/${stack}: plan</title>
        <style>${new Html(PAGE_STYLE)}</style>
      </head>
      <body>
        <header>
          <p class="kind">Plan, made without a cloud</p>
          <h1>${project}/${stack}</h1>
          <p class="outcome ${outcome.code === 0 ? "fine" : "bad"}" role="status">${outcome.sentence}</p>
          <nav aria-label="Sections">
            <ul>
              ${sections.map(({ id, title }) => markup`<li><a href="#${id}">${title.replace(/:.*/, "")}</a></li>`)}
            </ul>
          </nav>
        </header>
        <main>
          ${sections.map(
            ({ id, title, body }) =>
              markup`<section id="${id}" aria-labelledby="${id}-title">
                <h2 id="${id}-title">${title}</h2>
                ${body}
              </section> `,
          )}
        </main>
        <footer>
          <p>
            What a plan shows, and what it cannot show: docs/planning.md. Nothing of this page comes from or
            goes to the network.
          </p>
        </footer>
        <script>${new Html(PAGE_SCRIPT)}</script>
      </body>
    </html>
`.text;
}
