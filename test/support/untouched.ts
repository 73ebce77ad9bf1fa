/**
 * Test files of one worker share Node.js's own objects: a fault that writes to their prototypes would fail whichever file
 * comes next. The file that did it fails instead.
 */
afterAll(() => {
  // A copy is Node.js's object, not this file's.
  for (const object of [{}, structuredClone({})])
    for (const key in object) throw new Error(`every object has "${key}" now`);
});
