/** What a condition may look at: attributes of the request and of the resource it is about, by their names. */
export interface ConditionFacts {
  readonly action: string;
  readonly request: Readonly<Record<string, string>>;
  readonly resource: Readonly<Record<string, string>>;
}

/** A condition this evaluator cannot read; it then admits nothing. */
export class UnreadableCondition extends Error {}

type Token = string;

const TOKENS =
  /\s*(ActionMatches\{'[^']*'\}|@(?:Request|Resource)\[[^\]]+\]|\{[^}]*\}|'[^']*'|&&|\|\||[()!]|[A-Za-z]+(?::[A-Za-z]+)?)/gy;

const OPERATORS: Readonly<Record<string, (value: string, given: string) => boolean>> = {
  GuidEquals: (value, given) => value.toLowerCase() === given.toLowerCase(),
  StringEquals: (value, given) => value === given,
  StringEqualsIgnoreCase: (value, given) => value.toLowerCase() === given.toLowerCase(),
};

/**
 * Whether a condition of a role assignment holds
 * (https://learn.microsoft.com/azure/role-based-access-control/conditions-format): AND, OR, NOT, ActionMatches, and
 * comparisons of an attribute with one value or any of a list.
 * @throws UnreadableCondition
 */
export function holds(condition: string, facts: ConditionFacts): boolean {
  const tokens = tokenize(condition);
  let at = 0;
  const peek = (): Token | undefined => tokens[at];
  const next = (): Token => {
    const token = tokens[at++];
    if (token === undefined) throw new UnreadableCondition("the condition ends too early");
    return token;
  };

  function either(): boolean {
    let value = both();
    while (/^(OR|\|\|)$/i.test(peek() ?? "")) {
      next();
      const right = both();
      value = value || right;
    }
    return value;
  }
  function both(): boolean {
    let value = one();
    while (/^(AND|&&)$/i.test(peek() ?? "")) {
      next();
      const right = one();
      value = value && right;
    }
    return value;
  }
  function one(): boolean {
    const token = next();
    if (token === "!" || /^NOT$/i.test(token)) return !one();
    if (token === "(") {
      const value = either();
      if (next() !== ")") throw new UnreadableCondition("a bracket is not closed");
      return value;
    }
    const action = /^ActionMatches\{'(.*)'\}$/.exec(token)?.[1];
    if (action !== undefined) return action.toLowerCase() === facts.action.toLowerCase();
    return compared(token);
  }
  function compared(token: Token): boolean {
    const [, source, name] = /^@(Request|Resource)\[[^:\]]*:([^\]]+)\]$/.exec(token) ?? [];
    if (!source || !name) throw new UnreadableCondition(`${token} is not an attribute`);
    const [quantifier, named] = /^ForAnyOfAnyValues:(\w+)$/.exec(next()) ?? [tokens[at - 1], tokens[at - 1]];
    void quantifier;
    const operator = OPERATORS[named ?? ""];
    if (!operator) throw new UnreadableCondition(`operator ${named ?? ""} is not known`);
    const values = next()
      .replace(/^\{|\}$/g, "")
      .split(",")
      .map((value) => value.trim().replace(/^'|'$/g, ""));
    const value = (source === "Request" ? facts.request : facts.resource)[name];
    return value !== undefined && values.some((given) => operator(value, given));
  }

  const value = either();
  if (peek() !== undefined) throw new UnreadableCondition(`${peek() ?? ""} is not expected`);
  return value;
}

function tokenize(condition: string): Token[] {
  const tokens: Token[] = [];
  TOKENS.lastIndex = 0;
  const text = condition.trimEnd();
  while (TOKENS.lastIndex < text.length) {
    const from = TOKENS.lastIndex;
    const match = TOKENS.exec(text);
    if (!match) throw new UnreadableCondition(`cannot read ${text.slice(from, from + 20)}`);
    tokens.push(match[1] as string);
  }
  return tokens;
}
