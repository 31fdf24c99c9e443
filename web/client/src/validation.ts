/** Checks values against the small part of JSON Schema that the server's structs come to. */

/** A schema, as far as frames are checked by it. `$ref` names another one. */
export interface Schema {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly format?: string;
  readonly minimum?: number;
  readonly $ref?: string;
}

const FORMATS: Readonly<Record<string, RegExp>> = {
  uuid: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i,
  decimal: /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i,
  "date-time": /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/,
};

/** Whether a value is an object as JSON knows them: no array, no null. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Says what is wrong with a value, and where; `undefined` where nothing is. Members that no schema knows may be there. */
export function fault(
  value: unknown,
  schema: Schema,
  schemas: Readonly<Record<string, Schema>>,
  path = "$",
): string | undefined {
  if (schema.$ref !== undefined) {
    const named = schemas[schema.$ref];
    return named === undefined ? `${path}: no schema ${schema.$ref}` : fault(value, named, schemas, path);
  }
  if (schema.anyOf !== undefined) {
    const faults = schema.anyOf.map((each) => fault(value, each, schemas, path));
    return faults.includes(undefined) ? undefined : faults.at(-1);
  }
  if (schema.enum !== undefined) {
    return schema.enum.includes(value) ? undefined : `${path}: expected one of ${schema.enum.join(", ")}`;
  }
  switch (schema.type) {
    case "object":
      return isObject(value) ? memberFault(value, schema, schemas, path) : expected("an object", path);
    case "array":
      return Array.isArray(value) ? itemFault(value, schema.items, schemas, path) : expected("an array", path);
    case "integer":
    case "number":
      return numberFault(value, schema, path);
    case "string":
      return textFault(value, schema, path);
    case "boolean":
      return typeof value === "boolean" ? undefined : expected("true or false", path);
    case "null":
      return value === null ? undefined : expected("null", path);
    default:
      return undefined;
  }
}

function expected(what: string, path: string): string {
  return `${path}: expected ${what}`;
}

function memberFault(
  value: Readonly<Record<string, unknown>>,
  schema: Schema,
  schemas: Readonly<Record<string, Schema>>,
  path: string,
): string | undefined {
  for (const name of schema.required ?? []) {
    if (!Object.hasOwn(value, name)) return `${path}: ${name} is missing`;
  }
  for (const [name, member] of Object.entries(value)) {
    const known = Object.hasOwn(schema.properties ?? {}, name) ? schema.properties?.[name] : schema.additionalProperties;
    const found = known && fault(member, known, schemas, `${path}.${name}`);
    if (found !== undefined) return found;
  }
  return undefined;
}

function itemFault(
  items: readonly unknown[],
  schema: Schema | undefined,
  schemas: Readonly<Record<string, Schema>>,
  path: string,
): string | undefined {
  if (schema === undefined) return undefined;
  for (const [index, item] of items.entries()) {
    const found = fault(item, schema, schemas, `${path}[${String(index)}]`);
    if (found !== undefined) return found;
  }
  return undefined;
}

function numberFault(value: unknown, schema: Schema, path: string): string | undefined {
  if (typeof value !== "number" || (schema.type === "integer" && !Number.isInteger(value))) {
    return expected(schema.type === "integer" ? "a whole number" : "a number", path);
  }
  return schema.minimum !== undefined && value < schema.minimum
    ? expected(`${String(schema.minimum)} or more`, path)
    : undefined;
}

function textFault(value: unknown, schema: Schema, path: string): string | undefined {
  if (typeof value !== "string") return expected("text", path);
  const format = FORMATS[schema.format ?? ""];
  return format === undefined || format.test(value) ? undefined : expected(`a ${String(schema.format)}`, path);
}
