/**
 * The pages of a listing.
 * @param ask for the page at a place; undefined: for the first
 * @param next where the page after this one is; undefined behind the last
 * @throws Error when the store leads back to a page that was read: whoever follows it never ends, and what it left out on
 * the way would look as if it were not there
 */
export async function* pagesOf<Page, Place extends object>(
  ask: (place: Place | undefined) => Promise<Page>,
  next: (page: Page) => Place | undefined,
): AsyncGenerator<Page> {
  const seen = new Set<string>();
  for (let place: Place | undefined; ;) {
    const page = await ask(place);
    yield page;
    place = next(page);
    if (place === undefined) return;
    const name = JSON.stringify(place);
    if (seen.has(name)) throw new Error("its listing leads back to where it has been");
    seen.add(name);
  }
}
