/**
 * What verbs remember of a database role, in its comment: it changes in one transaction with what it tells of, and every
 * operator finds it. Written as `contained INC-1; rotated INC-2`.
 */
export type RoleNotes = Partial<Record<"contained" | "rotated" | "left", string>>;

export function notesOf(comment: string | null): RoleNotes {
  const notes: RoleNotes = {};
  for (const part of (comment ?? "").split("; ")) {
    const [, key, incident] = /^(contained|rotated|left) (\S+)$/.exec(part) ?? [];
    if (key && incident) notes[key as keyof RoleNotes] = incident;
  }
  return notes;
}

/** Null: no comment. */
export function commentOf(notes: RoleNotes): string | null {
  const parts = Object.entries(notes).flatMap(([key, incident]) => (incident ? [`${key} ${incident}`] : []));
  return parts.length > 0 ? parts.join("; ") : null;
}
