/** What the page does beyond HTML: a button that copies each command, and a search in the resources. */
export const PAGE_SCRIPT = `
"use strict";
for (const pre of document.querySelectorAll("pre")) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Copy";
  button.addEventListener("click", async () => {
    const text = pre.querySelector("code").textContent;
    try { await navigator.clipboard.writeText(text); button.textContent = "Copied"; }
    catch {
      getSelection().selectAllChildren(pre.querySelector("code"));
      button.textContent = "Press Ctrl+C";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
  pre.append(button);
}
const find = document.getElementById("find");
const items = [...document.querySelectorAll(".tree li")];
find.addEventListener("input", () => {
  const words = find.value.toLowerCase().split(/\\s+/).filter(Boolean);
  let found = 0;
  for (const item of items) {
    const own = (item.querySelector(":scope > details > summary") ?? item).textContent.toLowerCase();
    item.match = words.every((word) => own.includes(word));
    if (item.match && !item.querySelector("li")) found++;
  }
  for (const item of items.reverse()) {
    const below = item.querySelectorAll("li");
    const inside = [...below].some((one) => one.match);
    const above = item.parentElement.closest("li");
    item.hidden = words.length > 0 && !item.match && !inside && !(above && matched(above));
    const details = item.querySelector(":scope > details");
    if (details) details.open = words.length > 0 && inside;
  }
  items.reverse();
  document.getElementById("found").textContent = words.length === 0 ? "" : found + " found";
});
function matched(item) {
  return item.match || (item.parentElement.closest("li") ? matched(item.parentElement.closest("li")) : false);
}
`;
