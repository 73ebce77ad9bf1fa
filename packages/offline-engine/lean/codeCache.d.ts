/**
 * From here on takes the code of the packages this process loads from a store, and returns a function that brings the
 * store up to date; it does nothing when all code came from there.
 * @param folder Where stores are kept.
 * @param name Of the kind of process; processes of one kind load the same modules.
 */
export function useCodeCache(folder: string, name: string): () => void;
