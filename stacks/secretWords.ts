/** Words that stand beside a secret, or in one: what has one is refused where everybody reads it, and never printed. */
export const SECRET_WORDS = /passw|secret|token|credential|api.?key|private.?key/i;
